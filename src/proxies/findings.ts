import { keysUrl } from '../gateway/token.ts';
import type { Gateway } from '../gateway/types.ts';
import type { Finding } from './proxy.ts';

/** What an engine cannot do about tokens whose gate has no EdDSA, and reads keys when the gateway is generated. */
export function tokenFindings(gateway: Gateway, engine: string): Finding[] {
  const { jwt } = gateway.access;
  if (!jwt) return [];
  const about = ['auth', 'jwt', 'keys'];
  const findings: Finding[] = [];
  if (keysUrl(jwt) !== null)
    findings.push({
      code: 'jwt-keys-url',
      severity: 'error',
      message: `${engine} cannot fetch keys at run time`,
      hint: 'save the JWKS in a file and generate again when it changes, or use proxy: traefik',
      about,
    });
  if (jwt.keys.some((key) => key.alg === 'EdDSA'))
    findings.push({
      code: 'jwt-algorithm',
      severity: 'error',
      message: `${engine} cannot check EdDSA signatures, and a key of the JWKS makes them`,
      hint: 'use proxy: traefik, or let the identity provider sign with RS256 or ES256',
      about,
    });
  return findings;
}
