/** What a route is for, as far as access to it is concerned. */
export type RouteClass = 'inference' | 'discovery' | 'health' | 'metrics' | 'utility' | 'docs' | 'internal' | 'admin';

/** One route of an upstream server. */
export interface Route {
  /** What a spec calls it. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Exact, or with `{id}` for one segment of `[A-Za-z0-9_-]{1,128}`; a trailing `*` stands for any rest and is never grantable. */
  readonly path: string;
  readonly class: RouteClass;
  /** Whether the server's own key covers it. */
  readonly guarded: boolean;
  /** Whether a role may ever hold it. */
  readonly grantable: boolean;
  /** When a server has it: always, for the generate task, for other tasks, or only behind a switch. */
  readonly registered: 'always' | 'generate' | 'task' | 'switch';
  /** Where the body names the model. */
  readonly model: 'json' | 'form' | 'none';
  readonly websocket: boolean;
}

/** The routes of one version of a server, and the names for several of them at once. */
export interface RouteTable {
  readonly server: string;
  readonly version: string;
  readonly routes: readonly Route[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
}
