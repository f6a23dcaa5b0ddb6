import type { ProxyName } from '../../gateway/types.ts';

/** An engine that can run a generated config on this machine. */
export interface Engine {
  readonly name: ProxyName;
  /** What people call it, with its version: `nginx/1.22.1`. */
  readonly label: string;
  /** Starts the config in `<project>/<output>`; resolves when `port` accepts connections. */
  start(project: string, output: string, port: number): Promise<RunningEngine>;
}

export interface RunningEngine {
  readonly pid: number;
  /** Reads the config and look-ups again; open streams go on. */
  reload(): Promise<void>;
  /** Everything that the engine logged: path and text. */
  logs(): { path: string; text: string }[];
  stop(): Promise<void>;
}

/** An engine, or the line that would install it. */
export type FoundEngine = { readonly engine: Engine } | { readonly engine: null; readonly install: string };
