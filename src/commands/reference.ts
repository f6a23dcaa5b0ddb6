import { readFileSync } from 'node:fs';
import { ROUTE_TABLE } from '../gateway/routes/index.ts';
import { PROBLEM_CODES, type ProblemCode } from '../problems/codes.ts';
import { stop } from '../problems/problem.ts';
import { specJsonSchema } from '../spec/schema.ts';
import { suggest } from '../spec/suggest.ts';
import { type CommonOptions, EXIT, out, table } from './io.ts';

export async function schema(): Promise<number> {
  out(JSON.stringify(specJsonSchema(), null, 2));
  return EXIT.ok;
}

export async function reference(): Promise<number> {
  out(readFileSync(new URL('../spec/reference.yaml', import.meta.url), 'utf8'));
  return EXIT.ok;
}

export async function routes(options: CommonOptions): Promise<number> {
  if (options.json) out(JSON.stringify({ schemaVersion: 1, ...ROUTE_TABLE }));
  else {
    out(
      table([
        ['name', 'route', 'class', "vLLM's key", 'can be granted'],
        ...ROUTE_TABLE.routes.map((r) => [
          r.grantable ? r.name : '-',
          `${r.method} ${r.path}`,
          r.class,
          r.guarded ? 'guards it' : 'leaves it OPEN',
          r.grantable ? 'yes' : 'never',
        ]),
      ]),
    );
    out(
      `\nGroups: ${Object.entries(ROUTE_TABLE.groups)
        .map(([name, members]) => `${name} = ${members.join(', ')}`)
        .join('; ')}`,
    );
  }
  return EXIT.ok;
}

export async function explain(code: string): Promise<number> {
  const text = PROBLEM_CODES[code as ProblemCode];
  if (text === undefined) {
    const near = suggest(code, Object.keys(PROBLEM_CODES));
    throw stop(
      'not-found',
      `there is no code "${code}"`,
      near ? `did you mean ${near}?` : `the codes are: ${Object.keys(PROBLEM_CODES).join(', ')}`,
    );
  }
  out(`${code}\n\n${text}`);
  return EXIT.ok;
}
