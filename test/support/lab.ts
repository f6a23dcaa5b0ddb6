import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Double, startDouble } from '../../src/probe/double.ts';
import type { Engine } from '../../src/probe/engines/engine.ts';
import { ENGINES } from '../../src/probe/engines/index.ts';
import { type Lab, openLab } from '../../src/probe/lab.ts';
import { makeSubject } from '../../src/probe/subject.ts';
import { PROXIES } from '../../src/proxies/index.ts';
import type { JwtAlgorithm } from '../../src/gateway/token.ts';
import type { ProxyName } from '../../src/gateway/types.ts';
import { byLabels } from './labels.ts';
import type { Mutate } from './sabotage.ts';
import { specOf } from './spec.ts';
import { keepEvidence, keepProcessList } from './evidence.ts';

export const tools = () => ({ now: new Date(), random: (size: number) => randomBytes(size) });

/** An engine on this machine. Under CI its absence is a failure; elsewhere the caller skips and says so. */
export function engineFor(name: ProxyName): Engine | null {
  const found = ENGINES[name]?.() ?? { engine: null, install: 'it is not built' };
  if (found.engine) return found.engine;
  if (process.env.CI) throw new Error(`${name} is missing: ${found.install}`);
  console.warn(`not run: ${name} is missing. ${found.install}`);
  return null;
}

/** The engines that every promise is shown on. */
export const ENGINE_NAMES: readonly ProxyName[] = PROXIES.map((proxy) => proxy.name);

export interface TestLab extends Lab {
  readonly double: Double;
}

/** A gateway of this spec on a real engine. `mutate` changes the generated files first: for tests that must be able to fail. */
export async function testLab(
  spec: string,
  options: {
    on?: ProxyName;
    perRole?: number;
    algorithms?: readonly JwtAlgorithm[];
    mutate?: Mutate;
    /** Traefik alone: its routing comes from the labels of the compose file. */
    labels?: boolean;
  } = {},
): Promise<TestLab> {
  const name = options.on ?? 'nginx';
  const engine = engineFor(name);
  if (!engine) throw new Error(`${name} is missing`);
  const double = await startDouble();
  const subject = await makeSubject(specOf(spec), {
    proxy: name,
    upstream: double.port,
    tools: tools(),
    ...(options.perRole ? { perRole: options.perRole } : {}),
    ...(options.algorithms ? { algorithms: options.algorithms } : {}),
  });
  const path = (file: string): string => join(subject.paths.project, subject.output, engine.name, file);
  const labelled = options.labels ? await byLabels(subject.gateway) : null;
  for (const change of [labelled?.change, options.mutate])
    change?.(
      (file) => readFileSync(path(file), 'utf8'),
      (file, text) => {
        if (readFileSync(path(file), 'utf8') === text) throw new Error(`the mutation of ${file} changes nothing`);
        writeFileSync(path(file), text);
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
    labelled?.close();
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
  ip: { allow: [10.0.0.0/9, "2001:db8::/33"], as: office }
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
