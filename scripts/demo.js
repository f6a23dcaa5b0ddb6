// The main job from nothing: a spec, its gateway, and the proof. Works in ./demo, which it makes anew each time.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}demo`;
const marker = `${folder}/.made-by-demo`;
if (existsSync(folder) && !existsSync(marker)) {
  console.error(`${folder} is not one of ours; move it away`);
  process.exit(1);
}
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
writeFileSync(marker, '');

function gatewright(...args) {
  console.log(`\n$ gatewright ${args.map((arg) => (/[^\w./:=-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`);
  const { status, signal } = spawnSync(process.execPath, [`${root}bin/gatewright.js`, ...args], { cwd: folder, stdio: 'inherit' });
  if (signal) process.exit(130);
  if (status !== 0) process.exit(status ?? 1);
}

gatewright('init', '--yes', '--deploy', 'host', '--quiet');
gatewright('client', 'add', 'bob', '--quiet');
gatewright('show');
gatewright('ask', 'POST /v1/chat/completions', '--as', 'bob');
gatewright('ask', 'POST /invocations', '--as', 'bob');
gatewright('test');
console.log(`\nIt is all in ${folder}: the spec, the generated nginx config, and the public half of the credentials.`);
