import type { ProxyName } from '../../src/gateway/types.ts';

export type Mutate = (read: (file: string) => string, write: (file: string, text: string) => void) => void;

const replacing =
  (file: string, ...changes: [from: string | RegExp, to: string][]): Mutate =>
  (read, write) => {
    // Each must change something by itself; writing what was there already is an error too.
    const text = changes.reduce((before, [from, to]) => {
      const after = before.replace(from, to);
      if (after === before) throw new Error(`${file} has no ${from}`);
      return after;
    }, read(file));
    write(file, text);
  };

const TRAEFIK_GATE = 'plugins-local/src/gatewright.local/gate';

interface Sabotage {
  /** Makes one lump of a stream. */
  readonly buffering: Mutate;
  /** Each must refuse everything with policy_unavailable, and the log must say why. */
  readonly broken: Readonly<Record<string, Mutate>>;
  /** The gate itself is not there: everything is refused in the engine's own words. */
  readonly withoutGate: Readonly<Record<string, Mutate>>;
  /** The password file is not there: passwords are refused, and nothing else passes for one. */
  readonly noPasswords: Mutate;
}

/** How to break a generated gateway, for tests that must be able to fail. */
const SABOTAGE: Partial<Record<ProxyName, Sabotage>> = {
  nginx: {
    // nginx's own defaults: buffering, and HTTP/1.0 to the upstream.
    buffering: replacing(
      'server.conf',
      ['proxy_buffering off;', 'proxy_buffering on;'],
      ['proxy_http_version 1.1;', 'proxy_http_version 1.0;'],
    ),
    broken: {
      'another policy': replacing('api-keys.map', [/"policy" "[0-9a-f]{8}/, '"policy" "00000000']),
      'a gate that throws': replacing('gate.js', ['function judge(r) {', 'function judge(r) { throw new Error("x");']),
      'a gate without its early part': replacing('gate.js', [/export default \{\s*early,/, 'export default {']),
      'a gate that decides nothing': replacing('gate.js', [
        'async function decide(r) {',
        'async function decide(r) { throw new Error("x");',
      ]),
      'no upstream key': replacing('server.conf', ['private/run/;', 'private/nowhere/;']),
    },
    withoutGate: {},
    noPasswords: replacing('http.conf', ['passwords/htpasswd;', 'passwords/nothing;']),
  },
  httpd: {
    // httpd sends what it has whenever the upstream is silent, whatever flushpackets says; it takes a filter to make a lump.
    buffering: (read, write) => {
      replacing('gate.lua', [
        /$/,
        '\nfunction lump(r) coroutine.yield() local all = "" while bucket ~= nil do all = all .. bucket coroutine.yield() end coroutine.yield(all) end\n',
      ])(read, write);
      replacing('vhost.conf', [/^/, 'LuaOutputFilter lump ${GATEWRIGHT}/gate.lua lump\nSetOutputFilter lump\n'])(read, write);
    },
    broken: {
      'another policy': replacing('api-keys.txt', [/# policy [0-9a-f]{8}/, '# policy 00000000']),
      'no policy': replacing('lookups.lua', ["r:stat(here .. 'policy.json')", "r:stat(here .. 'nothing.json')"]),
      'a corrupt policy': replacing('policy.json', ['{', '']),
      'a gate that throws': replacing('gate.lua', ['local function decide(call)', "local function decide(call) error('x')"]),
      'a gate that cannot read a request': replacing('request.lua', ['function M.read(r, pol)', "function M.read(r, pol) error('x')"]),
      'no upstream key': replacing('policy.json', ['private/run/"', 'private/nowhere/"']),
    },
    withoutGate: {
      'a gate that does not load': replacing('gate.lua', ["require 'apache2'", "require 'nothing-of-this-name'"]),
      'a gate with a part that does not load': replacing('identity.lua', ['local M = {}', 'local M = {']),
      'no gate': replacing('vhost.conf', [/LuaQuickHandler.*/, '']),
    },
    noPasswords: replacing('vhost.conf', ['passwords/htpasswd', 'passwords/nothing']),
  },
  traefik: {
    // Traefik's own middleware for bodies: it takes in the whole answer.
    buffering: replacing(
      'dynamic/gatewright.yml',
      ['middlewares:\n        - gatewright\n', 'middlewares:\n        - lump\n        - gatewright\n'],
      [
        '  middlewares:\n    gatewright:',
        '  middlewares:\n    lump:\n      buffering: { maxResponseBodyBytes: 10000000 }\n    gatewright:',
      ],
    ),
    broken: {
      'another policy': replacing('api-keys.txt', [/# policy [0-9a-f]{8}/, '# policy 00000000']),
      'a corrupt policy': replacing('policy.json', ['{', '']),
      'a gate that panics': replacing(`${TRAEFIK_GATE}/gate.go`, [
        'func (c *call) decide() *refusal {',
        'func (c *call) decide() *refusal {\n\tpanic("x")',
      ]),
      'no upstream key': replacing('policy.json', ['private/run/"', 'private/nowhere/"']),
    },
    withoutGate: {
      'a gate that does not load': replacing(`${TRAEFIK_GATE}/gate.go`, ['package gate', 'package gate\n\nfunc (']),
      'no gate': replacing('dynamic/gatewright.yml', ['      middlewares:\n        - gatewright\n', '']),
    },
    noPasswords: replacing('policy.json', [/"passwords": "[^"]*"/, '"passwords": "http://127.0.0.1:9/"']),
  },
};

export function sabotageOf(engine: ProxyName): Sabotage {
  const found = SABOTAGE[engine];
  if (!found) throw new Error(`nobody has said how to break ${engine}`);
  return found;
}
