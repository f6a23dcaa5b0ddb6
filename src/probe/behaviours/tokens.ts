import type { JwtAlgorithm } from '../../gateway/token.ts';
import type { Sketch } from '../request.ts';
import type { Subject } from '../subject.ts';
import type { Behaviour, Case } from './behaviour.ts';
import { callOf, forge, inside } from './cast.ts';

/** A call that shows a token and whatever else the alternative asks for that no client has to bring. */
function calling(subject: Subject, token: string): Sketch | null {
  const branch = subject.gateway.access.branches.find(
    (one) => one.includes('jwt') && one.every((method) => method === 'jwt' || method === 'ip'),
  );
  const role = subject.gateway.roles.find((one) => one.name === subject.gateway.access.jwt?.role) ?? subject.gateway.roles[0];
  const route = subject.gateway.routes.find((one) => role?.routes.includes(one.name) && !one.websocket);
  if (!branch || !route) return null;
  return {
    ...callOf(route),
    headers: [['Authorization', `Bearer ${token}`]],
    ...(branch.includes('ip') ? { from: inside(subject) } : {}),
  };
}

/** Claims that make a token somebody's whose role is known. */
function somebody(subject: Subject): Record<string, unknown> {
  const { jwt } = subject.gateway.access;
  return jwt?.roles && !jwt.role ? { [jwt.roles]: subject.gateway.roles[0]?.name } : {};
}

export const tokens: Behaviour = {
  id: 'tokens/accepted',
  promise:
    'Every algorithm of the JWKS is taken, by the key that has it; audiences may be a list, and a little difference of clocks is allowed.',
  source: 'DECISION section 3, JWT; RFC 7519',
  cases: (subject) => {
    const now = Math.floor(Date.now() / 1000);
    const { jwt } = subject.gateway.access;
    const good = somebody(subject);
    const rows: [string, string | null][] = [
      ...(subject.issuer?.algorithms ?? []).map((alg): [string, string | null] => [alg, forge(subject, good, alg)]),
      ...(subject.issuer?.algorithms ?? []).map((alg): [string, string | null] => [
        `${alg} without a kid`,
        forge(subject, good, alg, { header: { kid: undefined } }),
      ]),
      ['a list of audiences', forge(subject, { ...good, aud: ['other', jwt?.audience] })],
      ['a clock that is 10 s late', forge(subject, { ...good, exp: now - 10 })],
      ['a clock that is 10 s early', forge(subject, { ...good, nbf: now + 10 })],
      ['a claim twice, the last one right', forge(subject, {}, undefined, { payload: twice(subject, good, '"wrong"', true) })],
    ];
    return rows.flatMap(([title, token]): Case[] => {
      const sketch = token === null ? null : calling(subject, token);
      return sketch ? [{ title, sketch, opened: 'double' }] : [];
    });
  },
};

/** A payload with two audiences, of which the last is the right or the wrong one. */
function twice(subject: Subject, claims: Record<string, unknown>, wrong: string, rightLast: boolean): string {
  const { jwt } = subject.gateway.access;
  const body = JSON.stringify({
    iss: jwt?.issuer,
    exp: Math.floor(Date.now() / 1000) + 600,
    [jwt?.client ?? 'sub']: 'u-1',
    ...claims,
  }).slice(0, -1);
  const right = JSON.stringify(jwt?.audience);
  return `${body},"aud":${rightLast ? wrong : right},"aud":${rightLast ? right : wrong}}`;
}

export const forgeries: Behaviour = {
  id: 'tokens/refused',
  promise: 'A token with one thing wrong is no credential, whatever it says about itself.',
  source: 'RFC 8725; alg none, and a public key taken for a secret, have opened many a gateway',
  cases: (subject) => {
    const { issuer } = subject;
    const first = issuer?.algorithms[0];
    const good = somebody(subject);
    const right = forge(subject, good);
    const opened = right === null ? null : calling(subject, right);
    if (!issuer || !first || !opened || right === null) return [];
    const now = Math.floor(Date.now() / 1000);
    const pem = issuer.algorithms.map((alg) => issuer.publicPem(alg)).find((text) => text !== null) ?? 'none';
    const [head = '', body = '', signature = ''] = right.split('.');
    const other = issuer.algorithms[1];
    const no = (claims: Record<string, unknown>, options?: Parameters<typeof forge>[3], alg?: JwtAlgorithm): string | null =>
      forge(subject, { ...good, ...claims }, alg, options);
    const rows: [string, string | null][] = [
      ['alg none', no({}, { header: { alg: 'none' } })],
      ['alg none, a signature of one byte', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.AA`],
      ['the public key as a secret', no({}, { header: { alg: 'HS256' }, hmac: { hash: 'sha256', secret: pem } })],
      [
        'the public key as a secret, the kid kept',
        no({}, { header: { alg: 'HS256', kid: `${first.toLowerCase()}-1` }, hmac: { hash: 'sha256', secret: pem } }),
      ],
      ['signed by a stranger', no({}, { stranger: true })],
      ['an unknown kid', no({}, { header: { kid: 'unknown' } })],
      ['a kid that is a number', no({}, { header: { kid: 1 } })],
      ...(other ? [['the kid of another key', no({}, { header: { kid: `${other.toLowerCase()}-1` } })] as [string, string | null]] : []),
      ['another algorithm of the same key', no({}, { header: { alg: first === 'RS256' ? 'RS384' : 'RS256' } })],
      ['crit', no({}, { header: { crit: ['exp'] } })],
      ['expired', no({ exp: now - 31 })],
      ['no exp', no({ exp: undefined })],
      ['exp as text', no({ exp: String(now + 600) })],
      ['not yet', no({ nbf: now + 60 })],
      ['nbf as text', no({ nbf: 'now' })],
      ['another issuer', no({ iss: 'https://evil.example' })],
      ['no issuer', no({ iss: undefined })],
      ['another audience', no({ aud: 'other' })],
      ['no audience', no({ aud: undefined })],
      ['audiences without ours', no({ aud: ['other', 'another'] })],
      ['a claim twice, the last one wrong', forge(subject, {}, undefined, { payload: twice(subject, good, '"wrong"', false) })],
      ['no subject', no({ [subject.gateway.access.jwt?.client ?? 'sub']: undefined })],
      ['a subject that is a number', no({ [subject.gateway.access.jwt?.client ?? 'sub']: 7 })],
      ['a subject with a line end', no({ [subject.gateway.access.jwt?.client ?? 'sub']: 'a\r\nX-Gatewright-Role: operator' })],
      ['a subject of 200 characters', no({ [subject.gateway.access.jwt?.client ?? 'sub']: 'x'.repeat(200) })],
      ['claims that are no object', forge(subject, {}, undefined, { payload: '[1]' })],
      ['claims that are no JSON', forge(subject, {}, undefined, { payload: '{"iss":' })],
      [
        'a changed claim',
        `${head}.${Buffer.from(Buffer.from(body, 'base64url').toString().replace('u-1', 'u-2')).toString('base64url')}.${signature}`,
      ],
      ['a cut signature', `${head}.${body}.${signature.slice(0, -8)}`],
      ['over 8 KiB', no({ pad: 'x'.repeat(9000) })],
    ];
    return rows.flatMap(([title, token]): Case[] => {
      const sketch = token === null ? null : calling(subject, token);
      return sketch ? [{ title, sketch, opened }] : [];
    });
  },
};

export const subjects: Behaviour = {
  id: 'tokens/subjects',
  promise:
    "A token names a client of its own kind: it cannot become a client of the spec by choosing its name, and its role is one of the spec's.",
  source: 'DECISION section 3, JWT',
  cases: (subject) => {
    const { jwt } = subject.gateway.access;
    if (!jwt) return [];
    const role = jwt.roles;
    const sub = (name: string, more: Record<string, unknown> = {}): string | null =>
      forge(subject, { ...somebody(subject), [jwt.client]: name, ...more });
    const rows: [string, string | null][] = [
      ...subject.cast.slice(0, 2).map((who): [string, string | null] => [`the name of ${who.client}`, sub(who.client)]),
      ...subject.gateway.clients.flatMap((client): [string, string | null][] =>
        client.subject === null ? [] : [[`the subject of ${client.name}`, sub(client.subject)]],
      ),
      ['a subject of its own', sub('someone@example.com')],
      ...(role === null
        ? []
        : ([
            ['no role', sub('u-9', { [role]: undefined })],
            ['an unknown role', sub('u-9', { [role]: 'emperor' })],
            ['the first known role of a list', sub('u-9', { [role]: ['emperor', ...subject.gateway.roles.map((one) => one.name)] })],
            ['a role that is a number', sub('u-9', { [role]: 7 })],
            ['a name of every object', sub('u-9', { [role]: 'constructor' })],
          ] as [string, string | null][])),
    ];
    return rows.flatMap(([title, token]): Case[] => {
      const sketch = token === null ? null : calling(subject, token);
      return sketch ? [{ title, sketch, opened: 'double' }] : [];
    });
  },
};
