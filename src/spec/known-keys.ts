import type { z } from 'zod';
import type { Path } from './document.ts';
import { specSchema } from './schema.ts';

type Node = z.core.$ZodType;

/** The keys that the schema knows at a path, looked up in the schema itself so that the two cannot differ. */
export function knownKeys(path: Path): string[] {
  let nodes: Node[] = [specSchema];
  for (const part of path) nodes = nodes.flatMap(unwrap).flatMap((node) => child(node, part));
  return [
    ...new Set(nodes.flatMap(unwrap).flatMap((node) => ('shape' in node._zod.def ? Object.keys(node._zod.def.shape as object) : []))),
  ];
}

function unwrap(node: Node): Node[] {
  const def = node._zod.def as unknown as { type: string; options?: Node[]; innerType?: Node; in?: Node };
  if (def.options) return def.options.flatMap(unwrap);
  if (def.innerType) return unwrap(def.innerType);
  if (def.in) return unwrap(def.in);
  return [node];
}

function child(node: Node, part: string | number): Node[] {
  const def = node._zod.def as unknown as {
    shape?: Record<string, Node>;
    element?: Node;
    valueType?: Node;
  };
  const next = def.shape?.[String(part)] ?? def.element ?? def.valueType;
  return next ? [next] : [];
}
