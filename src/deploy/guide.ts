import type { Gateway } from '../gateway/types.ts';
import type { Artifact } from '../output/artifact.ts';
import { renderTemplate } from '../proxies/template.ts';
import { engineCommands } from './engines.ts';

/** The README of the output: the next steps for exactly this gateway. */
export function renderGuide(gateway: Gateway, output: string): Artifact[] {
  const port = gateway.listen.https === 443 ? '' : `:${gateway.listen.https}`;
  const compose = gateway.deploy.kind === 'compose' ? gateway.deploy : null;
  const view = {
    // Attached, port and certificate are those of the user's own Traefik.
    url: `https://${gateway.hosts[0] ?? 'localhost'}${compose?.attach ? '' : port}`,
    output,
    compose: compose !== null,
    host: gateway.deploy.kind === 'host',
    selfSigned: gateway.tls.kind === 'self-signed' && !compose?.attach,
    judged: !compose?.native,
    engines: engineCommands(gateway, output).map((engine) => ({
      ...engine,
      noted: engine.note !== '',
      several: gateway.proxies.length > 1,
      changes: engine.rereads ? 'anything but clients, keys and passwords, which take effect at once' : 'clients, keys or passwords',
    })),
    several: gateway.proxies.length > 1,
    expression: gateway.access.text,
    routes: gateway.routes.map((route) => ({ line: `${route.method} ${route.path}` })),
    upstreamKeys: gateway.models.filter((model) => model.keyRequired).map((model) => ({ id: model.id })),
    token: gateway.models.some((model) => model.run?.token),
  };
  return [{ path: 'README.md', content: renderTemplate('guide/README.md.hbs', view) }];
}
