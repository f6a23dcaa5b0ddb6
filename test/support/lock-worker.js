import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock, writeAtomic } from '../../dist/credentials/store.js';

/** Adds entries to a shared index under the lock until it is done or killed, and watches for a second one inside. */
const dir = process.argv[2] ?? '';
const [index, inside] = [join(dir, 'index.json'), join(dir, 'inside')];
for (let i = 0; i < 60; i++) {
  const entry = `${process.pid}-${i}`;
  withLock(dir, () => {
    const other = existsSync(inside) ? Number(readFileSync(inside, 'utf8')) : 0;
    if (other && isAlive(other)) appendFileSync(join(dir, 'violations'), `${process.pid} met ${other}\n`);
    writeFileSync(inside, String(process.pid));
    const entries = JSON.parse(readFileSync(index, 'utf8'));
    writeAtomic(index, JSON.stringify([...entries, entry]), 0o600);
    rmSync(inside, { force: true });
  });
  appendFileSync(join(dir, `done-${process.pid}`), `${entry}\n`);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
