import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noteSecrets } from '../support/evidence.ts';
import { engineFor } from '../support/lab.ts';
import { BIN, folder } from './run.ts';

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!engineFor('nginx'))('try', () => {
  test('runs the gateway, gives a curl that works as it is pasted, and takes everything away on Ctrl-C', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'gatewright.yaml'),
      'version: 1\nhosts: [llm.example.com]\nmodels: [http://localhost:8000]\nclients: [alice]\nauth: apiKey\n',
    );
    const child = spawn(process.execPath, [BIN, 'try'], { cwd: dir });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const end = performance.now() + 20_000;
    while (!err.includes('Running') && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
    noteSecrets([/GATEWRIGHT_KEY='([^']+)'/.exec(out)?.[1] ?? 'no key was printed']);
    const pasted = spawnSync('sh', ['-c', out], { encoding: 'utf8' });
    expect(pasted.stdout).toContain('token4');
    expect(pasted.stdout).toContain('[DONE]');
    expect(pasted.status).toBe(0);
    expect(err).toContain('hosts: also localhost');
    const ca = /--cacert (\S+)/.exec(out)?.[1] ?? '';
    expect(existsSync(ca)).toBe(true);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    expect(existsSync(ca)).toBe(false);
    expect(spawnSync('curl', ['-s', '--max-time', '2', /https:\/\/localhost:\d+/.exec(out)?.[0] ?? '']).status).toBe(7);
  });
});
