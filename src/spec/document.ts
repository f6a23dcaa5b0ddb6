import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Place, Problem } from '../problems/problem.ts';

export type Path = readonly (string | number)[];

/** More than any honest spec needs; keeps a small file from becoming a huge value. */
const MAX_ALIASES = 100;
const MAX_BYTES = 1_000_000;

/** A YAML text with the position of everything in it. */
export interface SpecDocument {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  /** The place of the value at a path, or of its nearest existing parent; `offset` counts characters into a scalar. */
  at(path: Path, offset?: number): Place;
  /** The place of a key of the map at a path. */
  atKey(path: Path, key: string): Place;
  /** Start and end offsets of the value at a path in the text, or null. */
  range(path: Path): { start: number; end: number; flow: boolean } | null;
}

/** Parses YAML: duplicate keys, bad indentation and unresolved aliases are problems with a position. */
export function readDocument(file: string, text: string): { document: SpecDocument | null; problems: Problem[] } {
  const lineCounter = new LineCounter();
  if (text.length > MAX_BYTES)
    return {
      document: null,
      problems: [
        {
          code: 'yaml-syntax',
          severity: 'error',
          message: `the file is larger than ${MAX_BYTES} bytes`,
          at: { file, path: '', line: 1, col: 1 },
        },
      ],
    };
  const doc = parseDocument(text, { lineCounter, prettyErrors: false });
  const place = (offset: number, path: Path): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, path: printPath(path), line: Math.max(line, 1), col: Math.max(col, 1) };
  };
  const problems: Problem[] = doc.errors.map((error) => ({
    code: 'yaml-syntax',
    severity: 'error',
    message: describeYamlError(error.code, error.message),
    at: place(error.pos[0], []),
  }));
  if (problems.length > 0) return { document: null, problems };

  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // The yaml package reports an unresolved alias and an alias bomb only here, and without a position.
    const star = text.search(/(?<=^|[\s[{,:-])\*/m);
    return {
      document: null,
      problems: [{ code: 'yaml-alias', severity: 'error', message: (error as Error).message, at: place(Math.max(star, 0), []) }],
    };
  }

  const nodeAt = (path: Path): Node | null => {
    for (let n = path.length; n > 0; n--) {
      const node = doc.getIn(path.slice(0, n), true);
      if (isNode(node)) return node;
    }
    return doc.contents;
  };
  const document: SpecDocument = {
    file,
    text,
    value,
    at(path, offset = 0) {
      const node = nodeAt(path);
      const quote = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') ? 1 : 0;
      return place((node?.range?.[0] ?? 0) + (offset > 0 ? quote + offset : 0), path);
    },
    atKey(path, key) {
      const map = path.length === 0 ? doc.contents : doc.getIn(path, true);
      const pair = isMap(map) ? map.items.find((item: Pair) => isScalar(item.key) && item.key.value === key) : undefined;
      const keyNode = pair?.key;
      return isNode(keyNode) ? place(keyNode.range?.[0] ?? 0, [...path, key]) : document.at(path);
    },
    range(path) {
      const node = doc.getIn(path, true);
      if (!isNode(node) || !node.range) return null;
      return { start: node.range[0], end: node.range[1], flow: (isSeq(node) || isMap(node)) && node.flow === true };
    },
  };
  return { document, problems: [] };
}

/** A path as people write it: `models[0].vllm.dtype`. */
function printPath(path: Path): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}

function describeYamlError(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is here twice; only one of them could be meant';
  return message.split('\n')[0] ?? message;
}
