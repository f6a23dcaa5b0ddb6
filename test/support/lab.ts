import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Double, startDouble } from '../../src/probe/double.ts';
import type { Engine } from '../../src/probe/engines/engine.ts';
import { findNginx } from '../../src/probe/engines/nginx.ts';
import { type Lab, openLab } from '../../src/probe/lab.ts';
import { makeSubject } from '../../src/probe/subject.ts';
import { printProblems } from '../../src/problems/print.ts';
import { readSpec } from '../../src/spec/read.ts';
import type { Spec } from '../../src/spec/schema.ts';
import { keepEvidence, keepProcessList } from './evidence.ts';

export const tools = () => ({ now: new Date(), random: (size: number) => randomBytes(size) });

/** nginx on this machine. Under CI its absence is a failure; elsewhere the caller skips and says so. */
export function nginxEngine(): Engine | null {
  const found = findNginx();
  if (found.engine) return found.engine;
  if (process.env.CI) throw new Error(`nginx with njs is missing: ${found.install}`);
  console.warn(`not run: nginx with njs is missing. ${found.install}`);
  return null;
}

export function specOf(text: string): Spec {
  const { spec, problems } = readSpec('gatewright.yaml', text);
  if (!spec) throw new Error(printProblems(problems));
  return spec;
}

export interface TestLab extends Lab {
  readonly double: Double;
}

/** A gateway of this spec on real nginx. `mutate` changes the generated files first: for tests that must be able to fail. */
export async function testLab(
  spec: string,
  options: { perRole?: number; mutate?: (read: (file: string) => string, write: (file: string, text: string) => void) => void } = {},
): Promise<TestLab> {
  const engine = nginxEngine();
  if (!engine) throw new Error('nginx with njs is missing');
  const double = await startDouble();
  const subject = await makeSubject(specOf(spec), {
    upstream: double.port,
    tools: tools(),
    ...(options.perRole ? { perRole: options.perRole } : {}),
  });
  const file = (name: string): string => join(subject.paths.project, subject.output, 'nginx', name);
  options.mutate?.(
    (name) => readFileSync(file(name), 'utf8'),
    (name, text) => {
      if (readFileSync(file(name), 'utf8') === text) throw new Error(`the mutation of ${name} changes nothing`);
      writeFileSync(file(name), text);
    },
  );
  const lab = await openLab(subject, engine, double);
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    keepProcessList();
    keepEvidence(lab);
    await lab.close();
    await double.stop();
    subject.remove();
  };
  // Also when the test fails before it comes to its end: no engine may outlive it.
  onTestFinished(close);
  return { ...lab, close };
}

/** The long spec that most conformance tests share: every method, two roles, limits. */
export const RICH_SPEC = `
version: 1
hosts: [llm.example.com, localhost]
models: [{ name: qwen, upstream: "http://127.0.0.1:1", key: required }]
auth:
  require: apiKey or basic or (mtls and ip) or ip
  ip: { allow: [10.0.0.0/8, "2001:db8::/32"], as: office }
roles:
  developer: { routes: [openai], requests: 600/minute, concurrent: 4 }
  operator: { routes: [openai, health, metrics, version], concurrent: 8 }
  reader: { routes: [models] }
clients:
  - { name: alice, role: developer }
  - { name: bob, role: operator, requests: 10/minute }
  - { name: office, role: reader }
cors: [https://chat.example.com]
forwardHeaders: [X-Trace-Id]
`;
