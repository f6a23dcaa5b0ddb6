/** The methods by which a caller can show who it is. */
const METHODS = ['apiKey', 'basic', 'mtls', 'ip', 'jwt'] as const;
export type Method = (typeof METHODS)[number];

export type Expression =
  | { readonly kind: 'leaf'; readonly method: Method; readonly offset: number }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression; readonly offset: number };

export interface ExpressionError {
  readonly message: string;
  /** Characters from the start of the expression. */
  readonly offset: number;
}

/** Reads `apiKey or (mtls and ip)`; `and` binds stronger than `or`. Errors carry the offset of the word. */
export function parseExpression(text: string): { expression: Expression } | { error: ExpressionError } {
  const words = [...text.matchAll(/[A-Za-z0-9_]+|[()]|\S/g)].map((match) => ({ word: match[0], offset: match.index }));
  let next = 0;
  const fail = (message: string, offset: number): never => {
    throw { message, offset } satisfies ExpressionError;
  };
  const chain = (word: 'and' | 'or', operand: () => Expression): Expression => {
    let left = operand();
    while (words[next]?.word === word) {
      const offset = words[next++]?.offset ?? 0;
      left = { kind: word, left, right: operand(), offset };
    }
    return left;
  };
  const primary = (): Expression => {
    const token = words[next++];
    if (!token) return fail('the expression ends here, but a method should follow', text.length);
    if (token.word === '(') {
      const inner = disjunction();
      const close = words[next++];
      return close?.word === ')' ? inner : fail('this parenthesis is never closed', token.offset);
    }
    const method = METHODS.find((name) => name === token.word);
    return method
      ? { kind: 'leaf', method, offset: token.offset }
      : fail(`"${token.word}" is not a method; the methods are ${METHODS.join(', ')}`, token.offset);
  };
  const conjunction = (): Expression => chain('and', primary);
  const disjunction = (): Expression => chain('or', conjunction);
  try {
    const expression = disjunction();
    const rest = words[next];
    return rest ? { error: { message: `"${rest.word}" does not fit here; expected "and" or "or"`, offset: rest.offset } } : { expression };
  } catch (error) {
    if (error instanceof Error) throw error;
    return { error: error as ExpressionError };
  }
}

/** A way in: every method of it must hold. Methods stand in the order of the text, each once. */
export type Branch = readonly Method[];

export const MAX_BRANCHES = 32;

/** Expands to alternatives in left-to-right order, without repetitions. May hold more than MAX_BRANCHES; the caller refuses those. */
export function branchesOf(expression: Expression): Branch[] {
  const expand = (node: Expression): Method[][] => {
    if (node.kind === 'leaf') return [[node.method]];
    const left = expand(node.left);
    if (node.kind === 'or') return [...left, ...expand(node.right)];
    const right = expand(node.right);
    return left.flatMap((a) => right.map((b) => [...a, ...b]));
  };
  const seen = new Set<string>();
  return expand(expression)
    .map((branch) => [...new Set(branch)])
    .filter((branch) => {
      const key = [...branch].sort().join();
      return seen.has(key) ? false : seen.add(key) && true;
    });
}

/** How many alternatives the expression has, without building them. */
export function countBranches(node: Expression): number {
  if (node.kind === 'leaf') return 1;
  const [left, right] = [countBranches(node.left), countBranches(node.right)];
  return node.kind === 'or' ? left + right : left * right;
}

/** The first `and` whose two sides are both single methods that need Authorization, if there is one. */
export function twoAuthorizations(node: Expression): Expression | null {
  if (node.kind === 'leaf') return null;
  if (node.kind === 'and') {
    const pair = [...conjuncts(node)].flatMap((n) => (n.kind === 'leaf' ? [n.method] : []));
    if (pair.includes('basic') && pair.includes('jwt')) return node;
  }
  return twoAuthorizations(node.left) ?? twoAuthorizations(node.right);
}

function conjuncts(node: Expression): Expression[] {
  return node.kind === 'and' ? [...conjuncts(node.left), ...conjuncts(node.right)] : [node];
}

export function methodsOf(node: Expression): Method[] {
  return node.kind === 'leaf' ? [node.method] : [...new Set([...methodsOf(node.left), ...methodsOf(node.right)])];
}
