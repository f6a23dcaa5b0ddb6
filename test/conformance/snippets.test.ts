import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SNIPPETS } from '../../src/snippets/index.ts';
import { snippetContext, wayIn } from '../../src/snippets/snippet.ts';
import { keepProcessList } from '../support/evidence.ts';
import { ENGINE_NAMES, engineFor, testLab } from '../support/lab.ts';

/** Made by scripts/setup-tests.sh: Python with the openai and httpx packages. */
const PYTHON = [process.env.GATEWRIGHT_PYTHON, join(homedir(), '.cache', 'gatewright', 'python', 'bin', 'python')].find(
  (path) => path !== undefined && existsSync(path),
);

function python(): string | null {
  if (PYTHON) return PYTHON;
  if (process.env.CI) throw new Error('Python with openai and httpx is missing: scripts/setup-tests.sh');
  console.warn('not run: Python with openai and httpx is missing. scripts/setup-tests.sh');
  return null;
}

function run(command: string, args: string[], cwd: string, env: Record<string, string>): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env } });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    // While it runs: what it was started with is what anybody on the machine can read.
    child.stdout.once('data', () => keepProcessList());
    child.on('exit', (code) => resolve({ code, text }));
  });
}

const EXPRESSIONS = ['apiKey', 'basic', 'mtls', 'mtls and apiKey', 'basic and apiKey'];

describe.for(ENGINE_NAMES.filter(engineFor))('snippets run against the gateway on %s', (engine) => {
  for (const require of EXPRESSIONS) {
    test.skipIf(!python())(require, async () => {
      const lab = await testLab(
        `version: 1\nhosts: [localhost]\nmodels: [{ name: qwen, upstream: "http://127.0.0.1:1", key: required }]\nclients: [alice]\nauth: ${require}\n`,
        { on: engine },
      );
      const { subject } = lab;
      lab.double.pace.chunkMs = 40;
      const [alice] = subject.cast;
      const branch = wayIn(subject.gateway, 'alice', { key: true, password: true, certificate: true });
      if (!alice || !branch) throw new Error('alice has no way in');
      // The paths in a snippet are those of the project's folder.
      const context = snippetContext(subject.gateway, 'alice', branch);
      for (const snippet of SNIPPETS) {
        const text = snippet.render(context);
        if (text === null) throw new Error(`${snippet.name} cannot send ${require}`);
        expect(text).not.toContain(alice.key);
        const file = join(subject.paths.project, `snippet-${snippet.name}`);
        writeFileSync(file, text);
        const { code, text: output } = await run(snippet.name === 'curl' ? 'sh' : (PYTHON ?? ''), [file], subject.paths.project, {
          GATEWRIGHT_KEY: alice.key,
          GATEWRIGHT_PASSWORD: alice.password,
        });
        expect({ snippet: snippet.name, code, output: code === 0 ? '' : output }).toEqual({ snippet: snippet.name, code: 0, output: '' });
        expect(output).toContain('token4');
        expect(output).toMatch(/8 tokens|"total_tokens":8/);
        const seen = lab.double.seen.at(-1);
        expect(seen?.headers.find(([name]) => name === 'x-gatewright-client')?.[1]).toBe('alice');
        expect(JSON.parse(seen?.body ?? '{}')).toMatchObject({ model: 'qwen', stream: true, stream_options: { include_usage: true } });
      }
      await lab.close();
    });
  }
});
