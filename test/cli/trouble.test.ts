import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { BIN, folder, gatewright, inTerminal } from './run.ts';
import { startDouble } from '../../src/probe/double.ts';
import { ENGINE_NAMES, engineFor } from '../support/lab.ts';

const GOOD = 'version: 1\ndeploy: host\nhosts: [localhost]\nmodels: [http://localhost:8000]\nclients: [alice]\nauth: apiKey\n';
const withSpec = (text: string): string => {
  const dir = folder();
  writeFileSync(join(dir, 'gatewright.yaml'), text);
  return dir;
};

/** The text of a file that may be gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe('when something is wrong', () => {
  test('five mistakes: five problems with line and column, exit 2, no file', () => {
    const dir = withSpec(
      'version: 1\ndeploy: host\nhosts: [LOCAL]\nmodels: [http://localhost:8000]\nclients: [Bob]\nauth: {}\nlimits: { bdoy: 1MB }\ncors: 7\n',
    );
    const { code, err, out } = gatewright(dir, ['generate']);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err.split('\n').filter((line) => /^gatewright\.yaml:\d+:\d+ error /.test(line))).toHaveLength(5);
    expect(readdirSync(dir)).toEqual(['gatewright.yaml']);
  });

  test.each([
    ['no spec', ['generate'], /there is no gatewright\.yaml/, 2],
    ['an unknown command', ['genrate'], /Did you mean generate\?/, 2],
    ['an unknown flag', ['generate', '--chek'], /Did you mean --check\?/, 2],
    ['a missing argument', ['client', 'add'], /missing required argument/, 2],
    ['an unknown code', ['explain', 'not-yat'], /did you mean not-yet\?/, 2],
    ['init without a terminal', ['init'], /there is nobody to ask/, 2],
    ['verify of no URL', ['verify', 'localhost'], /is not a URL/, 2],
    ['verify of nothing', ['verify', 'http://127.0.0.1:9'], /does not answer/, 1],
  ] as const)('%s', (_, args, message, code) => {
    const dir = folder();
    const result = gatewright(dir, args);
    expect(result.err).toMatch(message);
    expect(result.err).not.toContain('    at ');
    expect(result.code).toBe(code);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('an output that cannot be written: one message, old files intact', () => {
    const dir = withSpec(GOOD);
    expect(gatewright(dir, ['generate']).code).toBe(0);
    writeFileSync(join(dir, 'blocked'), 'a file');
    expect(gatewright(dir, ['generate', '-o', 'blocked'])).toMatchObject({ code: 1 });
    expect(gatewright(dir, ['generate', '-o', 'blocked']).err).toMatch(/^error cannot-write .*a part of the path is a file/);
    expect(readFileSync(join(dir, 'blocked'), 'utf8')).toBe('a file');
    expect(gatewright(dir, ['generate', '-o', '../elsewhere']).err).toContain('is not below');
  });

  test('without the right to write: one message, old files intact', () => {
    const dir = withSpec(GOOD);
    expect(gatewright(dir, ['generate']).code).toBe(0);
    const before = readFileSync(join(dir, 'gateway/nginx/api-keys.map'), 'utf8');
    writeFileSync(join(dir, 'gateway/nginx/server.conf'), 'edited');
    chmodSync(join(dir, 'gateway/nginx'), 0o555);
    const result = gatewright(dir, ['generate'], { plain: true });
    expect(result.err).toMatch(/^error cannot-write .*permission denied\n$/);
    expect(result.code).toBe(1);
    expect(readFileSync(join(dir, 'gateway/nginx/server.conf'), 'utf8')).toBe('edited');
    expect(readFileSync(join(dir, 'gateway/nginx/api-keys.map'), 'utf8')).toBe(before);
    chmodSync(join(dir, 'gateway/nginx'), 0o755);
    expect(gatewright(dir, ['generate'], { plain: true }).code).toBe(0);
  });

  test('a corrupt key store: named, exit 1, untouched', () => {
    const dir = withSpec(GOOD);
    gatewright(dir, ['key', 'create', 'alice']);
    writeFileSync(join(dir, 'credentials/keys.json'), '{"version":1,"keys":[{"id":');
    for (const args of [['generate'], ['key', 'create', 'alice'], ['client', 'add', 'bob']]) {
      const result = gatewright(dir, args);
      expect(result.err).toMatch(/^error store-corrupt .*keys\.json/);
      expect(result.code).toBe(1);
    }
    expect(readFileSync(join(dir, 'credentials/keys.json'), 'utf8')).toBe('{"version":1,"keys":[{"id":');
    expect(readFileSync(join(dir, 'gatewright.yaml'), 'utf8')).toBe(GOOD);
  });

  test('a missing CA: named with the line that asks for it', () => {
    const dir = withSpec(GOOD.replace('apiKey', 'mtls'));
    const result = gatewright(dir, ['generate']);
    expect(result.err).toMatch(/^gatewright\.yaml:6:7 error missing-ca .*\n {2}hint: gatewright ca init\n$/);
    expect(result.code).toBe(1);
    expect(existsSync(join(dir, 'gateway'))).toBe(false);
    expect(gatewright(dir, ['ca', 'init']).code).toBe(0);
    expect(gatewright(dir, ['generate']).code).toBe(0);
  });

  // Passed over only where the program is not installed; under CI that throws.
  test.skipIf(!engineFor('nginx'))('a port in use: nginx says so', async () => {
    const { launch } = await import('../../src/probe/engines/process.ts');
    const dir = withSpec(GOOD.replace('deploy: host', 'deploy: host\nlisten: { bind: 127.0.0.1, https: 31977 }'));
    gatewright(dir, ['prepare']);
    gatewright(dir, ['generate']);
    const taken = createServer().listen(31_977, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    // It waits for a port that nobody opens, so that only nginx's own word ends it.
    await expect(
      launch('/usr/sbin/nginx', ['-p', 'gateway/nginx/', '-c', 'nginx.conf', '-g', 'daemon off;'], dir, 31_978, null),
    ).rejects.toThrow(/Address already in use/);
    taken.close();
  });

  test('Ctrl-C in the wizard: exit 130, nothing written', async () => {
    const dir = folder();
    const { code, text } = await inTerminal(dir, ['init'], [{ when: /Where does the gateway run/, send: '\x03' }]);
    expect(text).toContain('interrupted; nothing was written');
    expect(code).toBe(130);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('the wizard asks, shows the spec, and makes all of it', async () => {
    const dir = folder();
    const enter = '\r';
    const { code, text } = await inTerminal(
      dir,
      ['init'],
      [
        { when: /Where does the gateway run/, send: `\x1b[B${enter}` },
        { when: /Under which name/, send: enter },
        { when: /Which model/, send: enter },
        { when: /What must callers show/, send: enter },
        { when: /first caller/, send: `carol${enter}` },
        { when: /Write this to/, send: enter },
        { when: /Make what it needs/, send: enter },
      ],
    );
    expect(text).toContain('version: 1');
    expect(code).toBe(0);
    expect(readFileSync(join(dir, 'gatewright.yaml'), 'utf8')).toContain('clients: [carol]');
    expect(readdirSync(dir).sort()).toEqual(['credentials', 'gateway', 'gatewright.yaml', 'private']);
  });

  test('init never overwrites a spec', () => {
    const dir = withSpec('# mine\n');
    expect(gatewright(dir, ['init', '--yes'])).toMatchObject({ code: 1 });
    expect(readFileSync(join(dir, 'gatewright.yaml'), 'utf8')).toBe('# mine\n');
  });

  test('two at once: neither loses the other', async () => {
    const dir = withSpec(GOOD);
    const names = ['b1', 'b2', 'b3', 'b4'];
    const codes = await Promise.all(
      names.map(
        (name) =>
          new Promise((resolve) =>
            spawn(process.execPath, [BIN, 'client', 'add', name], { cwd: dir, stdio: 'ignore' }).on('exit', resolve),
          ),
      ),
    );
    expect(codes).toEqual([0, 0, 0, 0]);
    const spec = readFileSync(join(dir, 'gatewright.yaml'), 'utf8');
    for (const name of names) expect(spec).toContain(name);
    expect((JSON.parse(gatewright(dir, ['key', 'list', '--json']).out) as { keys: unknown[] }).keys).toHaveLength(4);
    expect(gatewright(dir, ['generate', '--check']).code).toBe(0);
  });

  test('a private file that others can read fails check', () => {
    const dir = withSpec(GOOD);
    gatewright(dir, ['prepare']);
    chmodSync(join(dir, 'private'), 0o755);
    const result = gatewright(dir, ['check']);
    expect(result.code).toBe(1);
    expect(result.err).toContain('mode-too-open');
  });

  test('a public address needs a word', () => {
    const result = gatewright(folder(), ['verify', 'http://203.0.113.5:8000']);
    expect(result.err).toContain('--yes-i-own-it');
    expect(result.code).toBe(2);
  });

  test('without an engine, test predicts and says how to install one; under CI that fails', () => {
    const dir = withSpec(GOOD);
    mkdirSync(join(dir, 'empty'));
    // A node that sees neither nginx nor Docker.
    const env = { PATH: join(dir, 'empty'), GATEWRIGHT_NGINX: '/nowhere/nginx' };
    const local = gatewright(dir, ['test'], { env: { ...env, CI: '' } });
    expect(local.out).toContain('predicted, not run');
    expect(local.err).toContain('apt-get install');
    expect(local.code).toBe(0);
    expect(gatewright(dir, ['test'], { env: { ...env, CI: 'true' } }).code).toBe(1);
  });

  // Passed over only where the program is not installed; under CI that throws.
  test.skipIf(!engineFor('nginx'))('with Docker instead of nginx, test runs the same config in the official image', () => {
    const dir = withSpec(GOOD);
    // Stands for Docker: what it is asked to run must work as it stands, in the folder it is given.
    const calls = join(dir, 'calls');
    writeFileSync(
      join(dir, 'docker'),
      `#!/bin/sh\necho "$@" >> ${calls}\n[ "$1" = version ] && exit 0\nwhile [ "$1" != -w ]; do shift; done\ncd "$2"; while [ "$1" != nginx:1.30.6 ]; do shift; done; shift\nexec /usr/sbin/nginx "$@"\n`,
      { mode: 0o755 },
    );
    const result = gatewright(dir, ['test'], { env: { PATH: `${dir}:${process.env.PATH}`, GATEWRIGHT_NGINX: '/nowhere/nginx' } });
    expect(result.out).toMatch(/judged on nginx:1\.30\.6 in Docker: \d+ as the spec says, 0 not/);
    expect(readFileSync(calls, 'utf8')).toMatch(
      /run --rm --network host --user \d+:\d+ -v (\S+):\1 -w \1 --entrypoint nginx nginx:1\.30\.6 -p gateway\/nginx\/ -c nginx\.conf -g daemon off;/,
    );
  });

  test.for(ENGINE_NAMES.filter(engineFor))('Ctrl-C in test on %s: exit 130, and nothing of it is left', async (engine) => {
    const dir = withSpec(GOOD.replace('version: 1\n', `version: 1\nproxy: ${engine}\n`));
    const config = { nginx: 'nginx/nginx.conf', httpd: 'httpd/httpd.conf', traefik: 'traefik/traefik.yml' }[engine];
    const before = new Set(readdirSync(tmpdir()));
    const child = spawn(process.execPath, [BIN, 'test'], { cwd: dir });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    while (!err.includes('listen:')) await new Promise((resolve) => setTimeout(resolve, 20));
    const port = /127\.0\.0\.1:(\d+)/.exec(err)?.[1] ?? '';
    const answers = (): boolean => spawnSync('curl', ['-sk', '--max-time', '1', `https://127.0.0.1:${port}/`]).status !== 7;
    while (!answers()) await new Promise((resolve) => setTimeout(resolve, 20));
    // Other tests have folders of the same kind at the same time; ours has this port in its config.
    const own = readdirSync(tmpdir())
      .filter((name) => name.startsWith('gatewright-') && !before.has(name))
      .map((name) => join(tmpdir(), name))
      .find((path) => new RegExp(`:${port}\\b`).test(textOf(join(path, 'gateway', config))));
    expect(own).toBeDefined();
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    const end = performance.now() + 3000;
    while (answers() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answers()).toBe(false);
    expect(existsSync(own ?? '')).toBe(false);
  });

  test('verify shows the open routes of a bare vLLM as a table, /invocations first, and exits 1', async () => {
    const double = await startDouble({ vllm: { key: 'k' } });
    const child = spawn(process.execPath, [BIN, 'verify', `http://127.0.0.1:${double.port}`]);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const code = await new Promise((resolve) => child.on('exit', resolve));
    await double.stop();
    expect(code).toBe(1);
    expect(out.split('\n')[1]).toMatch(/^POST \/invocations\s+inference\s+POST\s+400\s+OPEN/);
    expect(out).toMatch(/POST \/v1\/chat\/completions\s+inference\s+POST\s+401\s+asks for a key/);
  });
});
