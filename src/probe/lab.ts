import { decide } from '../gateway/decide.ts';
import type { Decision, GatewayRequest, World } from '../gateway/request.ts';
import type { Double, Seen } from './double.ts';
import type { Engine, RunningEngine } from './engines/engine.ts';
import { seenBy } from './exceptions.ts';
import { exchange, type Outcome } from './exchange.ts';
import { asRequest, type Sketch, sendSketch, wireBytes } from './request.ts';
import { giveTo, type Subject } from './subject.ts';
import { worldOf } from './world.ts';

/** One request: what `decide()` says, what the engine answered, and what the upstream saw of it. */
export interface Trial {
  readonly sketch: Sketch;
  readonly decision: Decision;
  readonly outcome: Outcome;
  readonly seen: readonly Seen[];
}

/** A running gateway in front of the double. */
export interface Lab {
  readonly subject: Subject;
  readonly double: Double;
  readonly engineLabel: string;
  /** What `decide()` says, with no limit used up. */
  predict(sketch: Sketch): Decision;
  /** Sends a request. When earlier ones have used up a limit that it would meet, the engine starts afresh first. */
  trial(sketch: Sketch): Promise<Trial>;
  /** The same bytes, straight to the double. */
  direct(sketch: Sketch): Promise<{ outcome: Outcome; seen: readonly Seen[] }>;
  /** Empty counters. */
  fresh(): Promise<void>;
  running(): RunningEngine;
  /** Everything that any engine of this lab logged. */
  logs(): { path: string; text: string }[];
  close(): Promise<void>;
}

export async function openLab(subject: Subject, engine: Engine, double: Double): Promise<Lab> {
  const start = (): Promise<RunningEngine> => {
    giveTo(subject.paths.project);
    return engine.start(subject.paths.project, subject.output, subject.gateway.listen.https);
  };
  let running = await start();
  const oldLogs: { path: string; text: string }[] = [];
  const tally = new Map<string, number>();
  const world = countingWorld(worldOf(subject), tally, subject);

  const fresh = async (): Promise<void> => {
    oldLogs.push(...running.logs());
    await running.stop();
    tally.clear();
    running = await start();
  };
  const seen = (sketch: Sketch): GatewayRequest => seenBy(subject.proxy, asRequest(subject, sketch));
  const predict = (sketch: Sketch): Decision => decide(subject.gateway, seen(sketch), worldOf(subject));
  const trial = async (sketch: Sketch): Promise<Trial> => {
    const before = new Map(tally);
    let decision = decide(subject.gateway, seen(sketch), world);
    if (usedUp(tally, subject)) {
      tally.clear();
      for (const [key, value] of before) tally.set(key, value);
      await fresh();
      decision = decide(subject.gateway, seen(sketch), world);
    }
    const from = double.seen.length;
    const outcome = await sendSketch(subject, sketch);
    return { sketch, decision, outcome, seen: double.seen.slice(from) };
  };
  return {
    subject,
    double,
    engineLabel: engine.label,
    predict,
    trial,
    fresh,
    direct: async (sketch) => {
      const from = double.seen.length;
      const outcome = await exchange({ port: double.port }, wireBytes(subject, sketch), { head: sketch.method === 'HEAD' });
      return { outcome, seen: double.seen.slice(from) };
    },
    running: () => running,
    logs: () => [...oldLogs, ...running.logs()],
    close: () => running.stop(),
  };
}

/** Notes what a request would spend, without ever refusing for it. */
function countingWorld(world: World, tally: Map<string, number>, subject: Subject): World {
  const spend = (key: string): void => void tally.set(key, (tally.get(key) ?? 0) + 1);
  return {
    ...world,
    get now() {
      return Math.floor(Date.now() / 1000);
    },
    password: (check) => {
      spend(`password ${check.address} ${check.name}`);
      return world.password(check);
    },
    rate: (client) => {
      if (subject.gateway.clients.some((c) => c.name === client && c.requests)) spend(`rate ${client}`);
      return null;
    },
  };
}

function usedUp(tally: ReadonlyMap<string, number>, subject: Subject): boolean {
  return [...tally].some(([key, count]) => {
    if (key.startsWith('password ')) return count > subject.gateway.limits.failures.count;
    const client = subject.gateway.clients.find((c) => `rate ${c.name}` === key);
    return client?.requests ? count > client.requests.count : false;
  });
}
