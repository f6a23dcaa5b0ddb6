import type { ProxyName } from '../../src/gateway/types.ts';

/** A change of one line of one file. */
export interface Mutant {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

type Operator = readonly [from: RegExp, to: string];

/** Comparisons flipped, conditions negated or joined the other way, answers turned round. */
const OPERATORS: Readonly<Record<string, readonly Operator[]>> = {
  js: [
    [/===/, '!=='],
    [/!==/, '==='],
    [/ && /, ' || '],
    [/ \|\| /, ' && '],
    [/ < /, ' >= '],
    [/ > /, ' <= '],
    [/ >= /, ' < '],
    [/ <= /, ' > '],
    [/\breturn true\b/, 'return false'],
    [/\breturn false\b/, 'return true'],
    [/\breturn null\b/, "return 'ok'"],
    [/if \(!/, 'if ('],
    [/toLowerCase\(\)/, 'toUpperCase()'],
  ],
  lua: [
    [/ == /, ' ~= '],
    [/ ~= /, ' == '],
    [/ and /, ' or '],
    [/ or /, ' and '],
    [/ < /, ' >= '],
    [/ > /, ' <= '],
    [/\breturn true\b/, 'return false'],
    [/\breturn false\b/, 'return true'],
    [/\bif not /, 'if '],
    [/\breturn nil\b/, 'return {}'],
    [/:lower\(\)/, ':upper()'],
  ],
  go: [
    [/ == /, ' != '],
    [/ != /, ' == '],
    [/ && /, ' || '],
    [/ \|\| /, ' && '],
    [/ < /, ' >= '],
    [/ > /, ' <= '],
    [/\breturn true\b/, 'return false'],
    [/\breturn false\b/, 'return true'],
    [/\bif !/, 'if '],
  ],
  // A directive less, of those that take part in a decision or in what is passed on. The others say how long, how fast and where.
  conf: [
    [
      /^([ \t]*)(?!#|.*(?:_timeout|_temp_path|_time|keepalive|ssl_(?:protocols|ciphers|prefer|session)|http2|root|default_type|proxy_cache off))(\S.*);([ \t]*#.*)?$/,
      '$1',
    ],
  ],
  apache: [
    [
      /^([ \t]*)(?![#<]|(?:CustomLog|LogLevel|SSLProtocol|SSLCipherSuite|SSLHonor|SSLSession|RequestReadTimeout|Timeout|KeepAlive|MaxKeepAlive|LuaScope|LuaCodeCache|AuthName)\b)(\S.*)$/,
      '$1',
    ],
  ],
  yml: [[/^(\s+)(\w+): (true|false)$/, '$1$2: !$3']],
};

const FILES: Readonly<Record<ProxyName, readonly [file: string, kind: keyof typeof OPERATORS][]>> = {
  nginx: [
    ['gate.js', 'js'],
    ['addresses.js', 'js'],
    ['token.js', 'js'],
    ['http.conf', 'conf'],
    ['server.conf', 'conf'],
    ['upstream-headers.conf', 'conf'],
    ['response-headers.conf', 'conf'],
  ],
  httpd: [
    ...['gate', 'request', 'wellformed', 'identity', 'passwords', 'token', 'upstream', 'answers', 'lookups', 'counters', 'addresses'].map(
      (name) => [`${name}.lua`, 'lua'] as [string, string],
    ),
    ['vhost.conf', 'apache'],
  ],
  traefik: [
    'gate',
    'wellformed',
    'identity',
    'addresses',
    'passwords',
    'policy',
    'state',
    'counters',
    'answers',
    'upstream',
    'token',
    'plan',
  ].map((name) => [`plugins-local/src/gatewright.local/gate/${name}.go`, 'go'] as const) as [string, string][],
};

/** Comments become empty lines: a changed word in one is no mutant. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\/|--\[\[[\s\S]*?\]\]/g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/^[ \t]*(?:\/\/|--|#).*$/gm, '');
}

/** Every mutant of an engine's generated files, in the order of the files. */
export function mutantsOf(engine: ProxyName, read: (file: string) => string): Mutant[] {
  return FILES[engine].flatMap(([file, kind]) =>
    withoutComments(read(file))
      .split('\n')
      .flatMap((text, i) => {
        // Where the double is differs from run to run.
        if (text.includes('127.0.0.1:1;')) return [];
        return (OPERATORS[kind] ?? []).flatMap(([from, to]): Mutant[] => {
          const after = text.replace(from, to).replace('!true', 'false').replace('!false', 'true');
          return after === text ? [] : [{ file, line: i + 1, before: text, after }];
        });
      }),
  );
}

/** `count` of them, spread evenly over all, the same ones for the same seed. */
export function chosen(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const step = Math.max(1, mutants.length / count);
  return Array.from({ length: Math.min(count, mutants.length) }, (_, i) => mutants[Math.floor(i * step + (seed % step))]).filter(
    (mutant) => mutant !== undefined,
  );
}
