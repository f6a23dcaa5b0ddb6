import type { Gateway } from '../gateway/types.ts';
import type { Artifact } from '../output/artifact.ts';
import { renderTemplate } from '../proxies/template.ts';

/** The README of the output: the next steps for exactly this gateway. */
export function renderGuide(gateway: Gateway, output: string): Artifact[] {
  const port = gateway.listen.https === 443 ? '' : `:${gateway.listen.https}`;
  const view = {
    url: `https://${gateway.hosts[0] ?? 'localhost'}${port}`,
    output,
    compose: gateway.deploy.kind === 'compose',
    host: gateway.deploy.kind === 'host',
    selfSigned: gateway.tls.kind === 'self-signed',
    proxies: gateway.proxies.map((name) => ({ name })),
    expression: gateway.access.text,
    routes: gateway.routes.map((route) => ({ line: `${route.method} ${route.path}` })),
    upstreamKeys: gateway.models.filter((model) => model.keyRequired).map((model) => ({ id: model.id })),
    token: gateway.models.some((model) => model.run?.token),
  };
  return [{ path: 'README.md', content: renderTemplate('guide/README.md.hbs', view) }];
}
