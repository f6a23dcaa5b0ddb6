import { exchange } from '../exchange.ts';
import type { Lab } from '../lab.ts';
import { peerOf, type Sketch, sendSketch, wireBytes } from '../request.ts';
import type { Credentials, Subject } from '../subject.ts';
import type { Behaviour, Case, Experiment } from './behaviour.ts';
import { admitted, basic, callOf, firstWay, keyLine, someone } from './cast.ts';

/** Larger limits are not filled in a test. */
const LARGEST_BODY = 64_000_000;
const MOST_PARALLEL = 200;

export const bodies: Behaviour = {
  id: 'limits/body',
  promise: 'Exactly the limit passes, one byte more does not, and without a credential nothing is read.',
  source: 'DECISION section 4; vLLM itself has no body limit',
  cases: (subject) => {
    const limit = subject.gateway.limits.body;
    const one = subject.cast
      .map((who) => ({ who, sketch: admitted(subject, who) }))
      .find(({ sketch }) => sketch?.method === 'POST')?.sketch;
    if (!one || limit > LARGEST_BODY) return [];
    const sized = (bytes: number): Sketch => ({ ...one, body: 'x'.repeat(bytes) });
    const cases: [string, Sketch][] = [
      ['exactly the limit', sized(limit)],
      ['one byte more', sized(limit + 1)],
      ['one byte more, chunked', { ...sized(limit + 1), chunked: true }],
      ['half the limit, chunked', { ...sized(Math.floor(limit / 2)), chunked: true }],
    ];
    return cases.map(([title, sketch]): Case => ({ title, sketch, opened: one }));
  },
  experiments: (subject) => {
    const one = someone(subject);
    const route = subject.gateway.routes.find((r) => r.method === 'POST');
    if (!one || !route) return [];
    return [
      {
        title: 'half a body without a credential',
        expected: 'refused before the rest is sent',
        run: async (lab) => {
          const sketch = callOf(route);
          const whole = wireBytes(subject, { ...sketch, headers: [['Content-Length', '1000000']] });
          const outcome = await exchange(peerOf(subject, sketch), whole);
          const refused = lab.predict(sketch);
          const want = refused.kind === 'refused' ? refused.status : 0;
          return outcome.kind === 'answer' && outcome.status === want
            ? null
            : outcome.kind === 'answer'
              ? `status ${outcome.status}`
              : outcome.error;
        },
      },
    ];
  },
};

export const rates: Behaviour = {
  id: 'limits/rate',
  promise: 'From rest exactly N requests pass at once, the next is 429 and says when to come back; other clients are untouched.',
  source: 'DECISION section 4',
  experiments: (subject) => {
    const limited = subject.cast.find(
      (who) => admitted(subject, who) && (rateOf(subject, who)?.count ?? MOST_PARALLEL + 1) <= MOST_PARALLEL,
    );
    const rate = limited ? rateOf(subject, limited) : null;
    const sketch = limited ? admitted(subject, limited) : null;
    if (!limited || !rate || !sketch) return [];
    return [
      {
        title: `${limited.client}: requests one after the other`,
        expected: `${rate.count} pass, and what fills up meanwhile; the next is 429 rate_limited`,
        run: async (lab) => {
          await lab.fresh();
          const begin = performance.now();
          let passed = 0;
          let last = await sendSketch(subject, sketch);
          for (; last.kind === 'answer' && last.status === 200 && passed < rate.count * 6; passed++)
            last = await sendSketch(subject, sketch);
          // However slow this machine is: one more for each share of the time that has gone by.
          const most = rate.count + Math.ceil(((performance.now() - begin) / 1000) * (rate.count / rate.seconds));
          if (last.kind !== 'answer' || last.status !== 429) return `after ${passed}: ${last.kind === 'answer' ? last.status : last.error}`;
          if (passed < rate.count || passed > most) return `${passed} passed, not ${rate.count} to ${most}`;
          const retry = last.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
          if (!retry || Number(retry) < 1) return `Retry-After ${retry}`;
          const other = subject.cast.find((who) => who.client !== limited.client && admitted(subject, who));
          const free = other ? await statusOf(subject, admitted(subject, other) ?? sketch) : 200;
          await lab.fresh();
          return free === 200 ? null : `another client got ${free}`;
        },
      },
    ];
  },
};

function rateOf(subject: Subject, who: Credentials) {
  return subject.gateway.clients.find((client) => client.name === who.client)?.requests ?? null;
}

async function statusOf(subject: Subject, sketch: Sketch): Promise<number> {
  const outcome = await sendSketch(subject, sketch);
  return outcome.kind === 'answer' ? outcome.status : 0;
}

export const concurrency: Behaviour = {
  id: 'limits/concurrency',
  promise:
    "A client's slots and the gateway's slots are counted apart: 429 for the one, 503 for the other; a slot is free when its stream ends.",
  source: 'DECISION section 4',
  experiments: (subject) => {
    const { gateway } = subject;
    const found = subject.cast
      .map((who) => ({ who, client: gateway.clients.find((c) => c.name === who.client), sketch: admitted(subject, who) }))
      .find(
        ({ client, sketch }) =>
          client?.concurrent &&
          sketch?.target === '/v1/chat/completions' &&
          client.concurrent < gateway.limits.concurrent &&
          client.concurrent <= MOST_PARALLEL &&
          (client.requests === null || client.requests.count > client.concurrent + 1),
      );
    if (!found?.sketch || !found.client?.concurrent) return [];
    const slots = found.client.concurrent;
    const sketch = streaming(found.sketch);
    return [
      {
        title: `${found.who.client}: ${slots + 1} streams at once`,
        expected: `${slots} run, the next is 429 too_many_concurrent`,
        run: (lab) =>
          withPace(lab, { firstMs: 5, chunkMs: 50, chunks: 30 }, async () => {
            await lab.fresh();
            const before = lab.double.seen.length;
            const streams = Array.from({ length: slots }, () => sendSketch(subject, sketch));
            await until(() => lab.double.seen.length >= before + slots);
            const extra = await sendSketch(subject, sketch);
            const all = await Promise.all(streams);
            if (extra.kind !== 'answer' || extra.status !== 429 || !extra.body.includes('too_many_concurrent'))
              return `the next one: ${extra.kind === 'answer' ? `${extra.status} ${extra.body.slice(0, 120)}` : extra.error}`;
            if (all.some((o) => o.kind !== 'answer' || o.status !== 200 || !o.complete))
              return 'a stream within the limit was refused or cut';
            const again = await statusOf(subject, found.sketch as Sketch);
            await lab.fresh();
            return again === 200 ? null : `after the streams ended: ${again}`;
          }),
      },
    ];
  },
};

export const failures: Behaviour = {
  id: 'limits/failures',
  promise:
    'Wrong passwords are counted by address and name; over the limit no hash is computed, and keys and remembered callers still pass.',
  source: 'DECISION section 3, Passwords',
  experiments: (subject) => {
    const { access, limits } = subject.gateway;
    const branch = access.branches.find((b) => b.length === 1 && b[0] === 'basic');
    const who = subject.cast.find((one) => admitted(subject, one));
    const way = who ? admitted(subject, who) : null;
    if (!branch || !who || !way || limits.failures.count > 30) return [];
    const call = { method: way.method, target: way.target, ...(way.body === undefined ? {} : { body: way.body }) };
    return [
      {
        title: `${limits.failures.count + 1} wrong passwords for ${who.client}`,
        expected: `${limits.failures.count} times 401, then 429 too_many_failures`,
        run: async (lab) => {
          await lab.fresh();
          const attempt = (password: string, from?: string, name = who.client): Promise<number> =>
            statusOf(subject, { ...call, headers: [['Authorization', basic(name, password)]], ...(from === undefined ? {} : { from }) });
          const right = await attempt(who.password);
          // The right one is a check too, unless it was remembered from before.
          const wrong: number[] = [];
          for (let i = 0; i <= limits.failures.count && wrong.at(-1) !== 429; i++) wrong.push(await attempt(`wrong-password-${i}`));
          const over = wrong.pop();
          const remembered = await attempt(who.password);
          const key = access.branches.some((b) => b.length === 1 && b[0] === 'apiKey')
            ? await statusOf(subject, { ...call, headers: [keyLine(subject, who.key, false)] })
            : 200;
          const elsewhere = await attempt('wrong-password-over', '203.0.113.77');
          const another = subject.cast.find((one) => one.client !== who.client)?.client;
          const other = another ? await attempt('wrong-password-over', undefined, another) : 401;
          await lab.fresh();
          if (right !== 200) return `the right password: ${right}`;
          if (elsewhere !== 401) return `a wrong one from another address: ${elsewhere}`;
          if (other !== 401) return `a wrong one for another name: ${other}`;
          if (wrong.some((status) => status !== 401)) return `wrong ones within the limit: ${[...new Set(wrong)].join(', ')}`;
          if (wrong.length < limits.failures.count - 1) return `only ${wrong.length} checks`;
          if (over !== 429) return `over the limit: ${over}`;
          if (remembered !== 200) return `the remembered caller: ${remembered}`;
          return key === 200 ? null : `a key from the same address: ${key}`;
        },
      },
      {
        title: `${limits.failures.count + 1} wrong passwords for ${who.client} from one /64`,
        expected: `${limits.failures.count} times 401, then 429 too_many_failures; from the next /64 401`,
        run: async (lab) => {
          await lab.fresh();
          const attempt = (from: string): Promise<number> =>
            statusOf(subject, { ...call, headers: [['Authorization', basic(who.client, 'wrong-password-over')]], from });
          const wrong: number[] = [];
          for (let i = 0; i <= limits.failures.count && wrong.at(-1) !== 429; i++) wrong.push(await attempt(`3fff:7:7:7::${i + 1}`));
          const next = await attempt('3fff:7:7:8::1');
          await lab.fresh();
          if (wrong.length < limits.failures.count || wrong.at(-1) !== 429) return `statuses ${wrong.join(', ')}`;
          return next === 401 ? null : `from the next /64: ${next}`;
        },
      },
    ];
  },
};

export const streams: Behaviour = {
  id: 'streams/unbuffered',
  promise: 'Tokens pass one by one as the upstream sends them, and a caller who leaves ends the generation.',
  source: "nginx's defaults turn a stream into one lump; a GPU that goes on for nobody costs money",
  experiments: (subject) => {
    const found = subject.cast
      .map((who) => ({ who, sketch: admitted(subject, who) }))
      .find(({ sketch, who }) => sketch?.target === '/v1/chat/completions' && firstWay(subject, who));
    if (!found?.sketch) return [];
    const sketch = streaming(found.sketch);
    const experiments: Experiment[] = [
      {
        title: '20 tokens, 50 ms apart',
        expected: 'at least 18 reads, the first before the second token is sent',
        run: (lab) =>
          withPace(lab, { firstMs: 5, chunkMs: 50, chunks: 20 }, async () => {
            await lab.trial(sketch).then(() => lab.fresh());
            let sentAtFirstRead = -1;
            const before = lab.double.seen.length;
            const outcome = await exchange(peerOf(subject, sketch), wireBytes(subject, sketch), {
              onRead: (text) => {
                if (sentAtFirstRead < 0 && text.includes('token0')) sentAtFirstRead = lab.double.seen[before]?.chunks ?? 0;
              },
            });
            if (outcome.kind !== 'answer' || !outcome.complete || !outcome.body.includes('[DONE]')) return 'the stream was cut';
            if (outcome.reads.length < 18) return `${outcome.reads.length} reads`;
            return sentAtFirstRead <= 1 ? null : `the first read came after ${sentAtFirstRead} tokens`;
          }),
      },
      {
        title: 'a caller who leaves mid-stream',
        expected: 'the upstream request ends before its last token',
        run: (lab) =>
          withPace(lab, { firstMs: 5, chunkMs: 50, chunks: 40 }, async () => {
            const before = lab.double.seen.length;
            await exchange(peerOf(subject, sketch), wireBytes(subject, sketch), {
              onRead: (text, socket) => void (text.includes('token1') && socket.destroy()),
            });
            await until(() => lab.double.seen[before]?.aborted === true, 1500);
            const one = lab.double.seen[before];
            return one?.aborted && one.chunks < 40 ? null : `the upstream sent ${one?.chunks} tokens`;
          }),
      },
    ];
    return experiments;
  },
};

function streaming(sketch: Sketch): Sketch {
  return { ...sketch, body: JSON.stringify({ ...(JSON.parse(sketch.body ?? '{}') as object), stream: true }) };
}

/** Runs with another pace of the double; the double reads it when a request begins. */
async function withPace<T>(lab: Lab, pace: Lab['double']['pace'], work: () => Promise<T>): Promise<T> {
  const before = { ...lab.double.pace };
  Object.assign(lab.double.pace, pace);
  try {
    return await work();
  } finally {
    Object.assign(lab.double.pace, before);
  }
}

async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
}
