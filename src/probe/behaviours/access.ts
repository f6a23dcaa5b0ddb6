import type { Method } from '../../gateway/expression.ts';
import type { Sketch } from '../request.ts';
import type { Credentials, Subject } from '../subject.ts';
import type { Behaviour, Case } from './behaviour.ts';
import { admitted, basic, callOf, inside, keyLine, outside, showing, someone, typicalRoute } from './cast.ts';

export const admission: Behaviour = {
  id: 'access/admitted',
  promise: 'Every client enters by every alternative of the expression that it can satisfy.',
  source: 'DECISION section 3',
  cases: (subject) =>
    subject.cast.flatMap((who) => {
      const route = typicalRoute(subject, who.client);
      if (!route) return [];
      return subject.gateway.access.branches.flatMap((branch): Case[] => {
        const show = showing(subject, who, branch);
        return show ? [{ title: `${who.client} by ${branch.join(' and ')}`, sketch: { ...callOf(route), ...show }, opened: 'double' }] : [];
      });
    }),
};

export const denial: Behaviour = {
  id: 'access/denied',
  promise: 'One wrong, missing, expired or revoked credential makes its leaf false and never more than that.',
  source: 'DECISION section 3; a wrong password must not name its user when another branch passes',
  cases: (subject) => subject.cast.flatMap((who) => spoiled(subject, who)),
};

/** Each alternative with each of its leaves spoiled in each way, everything else right. */
function spoiled(subject: Subject, who: Credentials): Case[] {
  const route = typicalRoute(subject, who.client);
  if (!route) return [];
  return subject.gateway.access.branches.flatMap((branch) => {
    const show = showing(subject, who, branch);
    if (!show) return [];
    const good: Sketch = { ...callOf(route), ...show };
    return branch.flatMap((method) =>
      ways(subject, who, method, branch.includes('basic')).map(
        ([how, spoil]): Case => ({ title: `${who.client} by ${branch.join(' and ')}: ${how}`, sketch: spoil(good), opened: good }),
      ),
    );
  });
}

type Spoil = readonly [how: string, spoil: (sketch: Sketch) => Sketch];

function ways(subject: Subject, who: Credentials, method: Method, taken: boolean): Spoil[] {
  const replaced =
    (name: string, value: string | null) =>
    (sketch: Sketch): Sketch => ({
      ...sketch,
      headers: (sketch.headers ?? []).flatMap((line) => (line[0] === name ? (value === null ? [] : [[name, value] as const]) : [line])),
    });
  if (method === 'apiKey') {
    const name = keyLine(subject, who.key, taken)[0];
    const value = (key: string): string => keyLine(subject, key, taken)[1];
    return [
      ['no key', replaced(name, null)],
      ['unknown key', replaced(name, value(`${who.key.slice(0, -7)}0000000`))],
      ['expired key', replaced(name, value(who.expiredKey))],
      ['revoked key', replaced(name, value(who.revokedKey))],
      ['placeholder EMPTY', replaced(name, value('EMPTY'))],
    ];
  }
  if (method === 'basic') {
    return [
      ['no password', replaced('Authorization', null)],
      ['wrong password', replaced('Authorization', basic(who.client, 'wrong-password-1'))],
      ['unknown name', replaced('Authorization', basic('nobody-here', who.password))],
      ['broken Basic', replaced('Authorization', 'Basic %%%')],
      ['a name without a password', replaced('Authorization', basic(who.client, ''))],
      ['no colon', replaced('Authorization', `Basic ${Buffer.from(who.client).toString('base64')}`)],
      ['a password without a name', replaced('Authorization', basic('', who.password))],
      ['a password of 73 bytes', replaced('Authorization', basic(who.client, 'p'.repeat(73)))],
    ];
  }
  if (method === 'mtls') {
    const { revokedCertificate } = who;
    return [
      ['no certificate', (sketch) => ({ ...sketch, certificate: null })],
      ...(revokedCertificate
        ? [['revoked certificate', (sketch: Sketch) => ({ ...sketch, certificate: { ...revokedCertificate, known: true } })] as const]
        : []),
      ...(subject.foreignCertificate
        ? [
            [
              'certificate of another CA',
              (sketch: Sketch) => ({
                ...sketch,
                certificate: { ...(subject.foreignCertificate as { cert: string; key: string }), known: false },
              }),
            ] as const,
          ]
        : []),
    ];
  }
  if (method === 'ip') {
    return [
      ['address outside', (sketch) => ({ ...sketch, from: outside(subject) })],
      ['unreadable address', (sketch) => ({ ...sketch, from: `${inside(subject)}, unknown` })],
    ];
  }
  return [];
}

export const nobody: Behaviour = {
  id: 'access/nobody',
  promise: 'Without a credential no route answers, and the answer says what is missing.',
  source: 'DECISION step 5; vLLM itself leaves a dozen routes open',
  cases: (subject) => {
    const one = someone(subject);
    return subject.gateway.routes
      .filter((route) => !route.websocket)
      .flatMap((route): Case[] =>
        one ? [{ title: `${route.method} ${route.path} with nothing`, sketch: callOf(route), opened: 'double' }] : [],
      );
  },
};

export const mismatch: Behaviour = {
  id: 'access/identity-mismatch',
  promise: 'Credentials of two clients never add up to one.',
  source: 'DECISION section 3',
  cases: (subject) => {
    const [a, b] = subject.cast.filter((who) => admitted(subject, who));
    if (!a || !b) return [];
    const route = typicalRoute(subject, a.client);
    if (!route) return [];
    return subject.gateway.access.branches
      .filter(
        (branch) => branch.filter((method) => method !== 'ip').length > 1 && branch.filter((method) => method !== 'ip').at(-1) !== 'jwt',
      )
      .flatMap((branch): Case[] => {
        const good = showing(subject, a, branch);
        // The last naming method is b's, all others are a's.
        const last = branch.filter((method) => method !== 'ip').at(-1);
        const mixed = showing(
          subject,
          {
            ...a,
            ...(last === 'apiKey'
              ? { key: b.key }
              : last === 'basic'
                ? { client: b.client, password: b.password }
                : { certificate: b.certificate }),
          },
          branch,
        );
        return good && mixed
          ? [
              {
                title: `${branch.join(' and ')} of ${a.client} and ${b.client}`,
                sketch: { ...callOf(route), ...mixed },
                opened: { ...callOf(route), ...good },
              },
            ]
          : [];
      });
  },
};

export const forgedAddress: Behaviour = {
  id: 'access/forged-address',
  promise: 'Nobody but a trusted proxy can say where a request comes from.',
  source: 'DECISION section 3, Address',
  cases: (subject) => {
    const one = someone(subject);
    if (!one || subject.gateway.access.allow.length === 0) return [];
    const address = inside(subject);
    const target = callOf(typicalRoute(subject, one.who.client) ?? { method: 'GET', path: '/v1/models' });
    return (['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'CF-Connecting-IP'] as const).map(
      (name): Case => ({
        title: `${name} from an untrusted peer`,
        sketch: { ...target, headers: [[name, name === 'Forwarded' ? `for=${address}` : address]] },
        opened: 'double',
      }),
    );
  },
};
