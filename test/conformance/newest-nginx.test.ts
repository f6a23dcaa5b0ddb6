import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROMPT } from '../../src/probe/behaviours/cast.ts';
import { BEHAVIOURS } from '../../src/probe/behaviours/index.ts';
import { runTruthTable } from '../../src/probe/truth-table.ts';
import { noteSecrets } from '../support/evidence.ts';
import { RICH_SPEC, testLab } from '../support/lab.ts';

/*
 * The same output on the newest nginx and njs. Only the place of njs is another one there: scripts/setup-unstable.sh unpacks
 * both into a folder of their own. The installed nginx is as old as any that is supported.
 */
const FOLDER = ['/var/cache/gatewright/unstable', join(homedir(), '.cache/gatewright/unstable')].find((path) =>
  existsSync(join(path, 'nginx')),
);

function here(): boolean {
  if (FOLDER) return true;
  if (process.env.CI) throw new Error('the newest nginx is missing: scripts/setup-tests.sh');
  console.warn('not run: the newest nginx is missing. scripts/setup-tests.sh');
  return false;
}

const JWT = 'jwt: { issuer: "https://idp.example.com", audience: llm, keys: jwks.json, roles: groups, role: reader }';
const SPECS: Readonly<Record<string, string>> = {
  'everything at once': RICH_SPEC,
  'tokens and a WebSocket': RICH_SPEC.replace('require: apiKey', 'require: jwt or apiKey')
    .replace('  ip: {', `  ${JWT}\n  ip: {`)
    .replace('operator: { routes: [openai,', 'operator: { routes: [openai, realtime,'),
  'a certificate and a key':
    'version: 1\nhosts: [llm.example.com]\nmodels: [{ upstream: "http://127.0.0.1:1", key: required }]\nclients: [alice, bob]\nauth: mtls and apiKey\n',
};

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!here())('the newest nginx', () => {
  // The driver takes another binary by this name; this file has a process of its own.
  process.env.GATEWRIGHT_NGINX = join(FOLDER ?? '', 'nginx');

  test('is newer than the installed one', () => {
    const version = spawnSync(join(FOLDER ?? '', 'nginx'), ['-v'], { encoding: 'utf8' }).stderr;
    console.log(version.trim());
    expect(version).toMatch(/nginx\/1\.(?:2[89]|[3-9]\d)\./);
  });

  test.for(Object.entries(SPECS))('%s', async ([, text]) => {
    noteSecrets([PROMPT, 'query-canary-91c2', 'wrong-password-1', 'wrong-password-over']);
    const lab = await testLab(text, {
      algorithms: ['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'HS256', 'HS512'],
      mutate: (read, write) => write('nginx.conf', read('nginx.conf').replace('/usr/lib/nginx/', `${FOLDER}/root/usr/lib/nginx/`)),
    });
    expect(lab.engineLabel).not.toContain('1.22');
    const rows = await runTruthTable(lab, BEHAVIOURS);
    await lab.close();
    expect(
      rows.filter((row) => !row.ok).map((row) => `${row.behaviour} ${row.title}: expected ${row.expected}, got ${row.got} (${row.detail})`),
    ).toEqual([]);
    expect(rows.length).toBeGreaterThan(250);
  });
});
