import type { z } from 'zod';
import { suggest } from './suggest.ts';

type Issue = z.core.$ZodIssue;

const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  boolean: 'true or false',
};
const FORMATS: Readonly<Record<string, string>> = { url: 'a URL such as http://localhost:8000', email: 'an e-mail address' };

/** What stands in the file instead of what was expected. */
function describeValue(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : JSON.stringify(value);
}

/** A schema issue as a person would say it: what was expected, and what is there. */
export function describeMismatch(issue: Issue, value: unknown): string {
  const got = describeValue(value);
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPES[issue.expected] ?? issue.expected}, not ${got}`;
    case 'invalid_value': {
      const words = issue.values.map(String);
      const near = typeof value === 'string' ? suggest(value, words) : undefined;
      return `expected ${words.join(', ')}, not ${got}${near ? ` (did you mean ${near}?)` : ''}`;
    }
    case 'too_small':
    case 'too_big':
      if (issue.origin === 'array') return 'the list must not be empty';
      return `${got} is out of range: ${issue.message.replace(/^Too (small|big): expected \w+ to be /, '')}`;
    case 'invalid_format':
      return `expected ${FORMATS[issue.format] ?? issue.message}, not ${got}`;
    default:
      // The schema's own refinements say what they want.
      return `expected ${issue.message}, not ${got}`;
  }
}
