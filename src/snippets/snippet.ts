import type { Branch } from '../gateway/expression.ts';
import type { Gateway } from '../gateway/types.ts';

/** What a working client needs to know. Secrets are taken from the environment, never printed. */
export interface SnippetContext {
  readonly url: string;
  readonly client: string;
  readonly model: string;
  /** The CA to trust, or null for a public one. */
  readonly ca: string | null;
  /** File with key and certificate, where the way in needs one. */
  readonly certificate: string | null;
  readonly branch: Branch;
  /** The header that carries the key in this way in. */
  readonly keyHeader: string;
}

export interface Snippet {
  readonly name: string;
  readonly title: string;
  /** A program that runs, or null when this tool cannot send what the way in asks for. */
  render(context: SnippetContext): string | null;
}

/** The way in that a client with these credentials has, in the order of the expression; null when there is none. */
export function wayIn(gateway: Gateway, client: string, has: { key: boolean; password: boolean; certificate: boolean }): Branch | null {
  return (
    gateway.access.branches.find((branch) =>
      branch.every((method) => {
        if (method === 'ip') return branch.length > 1 || gateway.access.addressClient === client;
        return method === 'apiKey' ? has.key : method === 'basic' ? has.password : method === 'mtls' && has.certificate;
      }),
    ) ?? null
  );
}

/** The context of a client's snippets, with paths as seen from the project. */
export function snippetContext(gateway: Gateway, client: string, branch: Branch): SnippetContext {
  const port = gateway.listen.https === 443 ? '' : `:${gateway.listen.https}`;
  const taken = branch.includes('basic');
  return {
    url: `https://${gateway.hosts[0] ?? 'localhost'}${port}`,
    client,
    model: gateway.models[0]?.name ?? 'MODEL',
    ca: gateway.tls.kind === 'self-signed' ? 'credentials/ca/server.pem' : null,
    certificate: branch.includes('mtls') ? `private/issued/${client}/client.pem` : null,
    branch,
    keyHeader: gateway.access.apiKeyHeaders.find((name) => name !== 'authorization' || !taken) ?? 'authorization',
  };
}
