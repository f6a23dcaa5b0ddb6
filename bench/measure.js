// CPU of an engine for a request, and the time to the first byte. All on loopback, bounded in count.
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';

const TICK_US = 10_000;

/** A process and all of its children, in µs of CPU. */
function cpuOf(root) {
  const stats = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const [, , rest] = /^(\d+) \(.*\) (.*)$/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      const fields = rest.split(' ');
      stats.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // Gone meanwhile.
    }
  }
  const isOurs = (pid) => pid === root || (stats.has(pid) && stats.get(pid).parent > 1 && isOurs(stats.get(pid).parent));
  return [...stats].filter(([pid]) => isOurs(pid)).reduce((sum, [, { ticks }]) => sum + ticks, 0) * TICK_US;
}

function once(agent, port, { method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const asked = request(
      { host: '127.0.0.1', port, agent, method, path, headers: { host: 'llm.example.com', ...headers }, rejectUnauthorized: false },
      (response) => {
        let first = 0;
        response.on('data', () => {
          first ||= performance.now() - start;
        });
        response.on('end', () => resolve({ status: response.statusCode, first }));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** `count` requests over eight connections: µs of CPU for each. Throws when one is not answered with 200. */
export async function cpuPerRequest(pid, port, call, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const run = async (n) => {
    for (let i = 0; i < n; i++) {
      const { status } = await once(agent, port, call());
      if (status !== 200) throw new Error(`a request of the bench to port ${port} was answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, () => run(25)));
  const before = cpuOf(pid);
  await Promise.all(Array.from({ length: 8 }, () => run(Math.ceil(count / 8))));
  const used = cpuOf(pid) - before;
  agent.destroy();
  return used / (Math.ceil(count / 8) * 8);
}

/** The median time to the first byte of one caller, in ms. */
export async function firstByte(port, call, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  for (let i = 0; i < count + 10; i++) {
    const { first } = await once(agent, port, call());
    if (i >= 10) times.push(first);
  }
  agent.destroy();
  return median(times);
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
