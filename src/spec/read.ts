import type { z } from 'zod';
import type { Problem } from '../problems/problem.ts';
import { type Path, readDocument, type SpecDocument } from './document.ts';
import { knownKeys } from './known-keys.ts';
import { describeMismatch } from './mismatch.ts';
import { type Spec, specSchema } from './schema.ts';
import { suggest } from './suggest.ts';

export interface ReadSpec {
  readonly document: SpecDocument | null;
  readonly spec: Spec | null;
  readonly problems: readonly Problem[];
}

/** Reads the text of a spec. Every problem has a line and a column, and all of them are reported at once. */
export function readSpec(file: string, text: string): ReadSpec {
  const { document, problems } = readDocument(file, text);
  if (!document) return { document, spec: null, problems };
  const result = specSchema.safeParse(document.value);
  if (result.success) return { document, spec: result.data, problems: [] };
  return { document, spec: null, problems: result.error.issues.flatMap((issue) => describe(document, issue, [])) };
}

type Issue = z.core.$ZodIssue;

function describe(document: SpecDocument, issue: Issue, parent: Path): Problem[] {
  const path = [...parent, ...issue.path.filter((part) => typeof part !== 'symbol')];
  if (issue.code === 'invalid_union') return describeUnion(document, issue, path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(document, path, key));
  if (issue.code === 'invalid_key') return [problem(document, path, 'invalid-name', issue.issues[0]?.message ?? 'not a valid name', true)];
  const missing = issue.code === 'invalid_type' && valueAt(document.value, path) === undefined;
  if (missing) return [{ ...problem(document, path.slice(0, -1), 'missing-key', `\`${String(path.at(-1) ?? 'version')}\` is missing`) }];
  return [problem(document, path, 'invalid-value', describeMismatch(issue, valueAt(document.value, path)))];
}

/** Of the forms a value may have, the one it comes nearest to is the one worth talking about. */
function describeUnion(document: SpecDocument, issue: Issue & { code: 'invalid_union' }, path: Path): Problem[] {
  const value = valueAt(document.value, path);
  if (value === undefined) return [problem(document, path.slice(0, -1), 'missing-key', `\`${String(path.at(-1))}\` is missing`)];
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const near = issue.errors
    .filter(
      (issues) =>
        !issues.some(
          (i) => i.path.length === 0 && (i.code === 'invalid_type' || (i.code === 'invalid_value' && typeof value === 'object')),
        ),
    )
    .sort((a, b) => foreign(a, keys) - foreign(b, keys))[0];
  if (near && near.length > 0) return near.flatMap((inner) => describe(document, inner, path));
  const forms = [...new Set(issue.errors.flat().map((i) => describeMismatch(i, value)))].join('; or ');
  return [problem(document, path, 'invalid-value', forms)];
}

function foreign(issues: readonly Issue[], keys: readonly string[]): number {
  const unknown = issues.flatMap((i) => (i.code === 'unrecognized_keys' && i.path.length === 0 ? i.keys : []));
  return keys.length > 0 && unknown.length === keys.length ? 1 : 0;
}

function unknownKey(document: SpecDocument, path: Path, key: string): Problem {
  const near = suggest(key, knownKeys(path));
  return {
    code: 'unknown-key',
    severity: 'error',
    message: `"${key}" is not a key here`,
    at: document.atKey(path, key),
    hint: near ? `did you mean "${near}"?` : `known here: ${knownKeys(path).join(', ') || 'none'}`,
  };
}

function problem(document: SpecDocument, path: Path, code: Problem['code'], message: string, atKey = false): Problem {
  const at = atKey ? document.atKey(path.slice(0, -1), String(path.at(-1))) : document.at(path);
  return { code, severity: 'error', message, at };
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (v, part) => (typeof v === 'object' && v !== null ? (v as Record<string | number, unknown>)[part] : undefined),
    value,
  );
}
