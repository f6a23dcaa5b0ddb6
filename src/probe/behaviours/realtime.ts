import { acceptOf, converse } from '../websocket.ts';
import { peerOf, type Sketch, sendSketch, wireBytes } from '../request.ts';
import type { Subject } from '../subject.ts';
import type { Behaviour, Case } from './behaviour.ts';
import { firstWay, withHeaders } from './cast.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const TEXTS = ['one', 'two', 'three'];
/** Opening one more than this many connections at once is not worth the time it takes. */
const MOST_OPEN = 16;

/** The client that may open the WebSocket, and its handshake. */
function handshakeOf(subject: Subject): { client: string; sketch: Sketch } | null {
  const { gateway } = subject;
  const route = gateway.routes.find((one) => one.websocket);
  for (const who of subject.cast) {
    const role = gateway.roles.find((one) => one.name === gateway.clients.find((client) => client.name === who.client)?.role);
    const way = firstWay(subject, who);
    if (!route || !way || !role?.routes.includes(route.name)) continue;
    const upgrade: Sketch = {
      method: 'GET',
      target: `${route.path}?model=double`,
      ...way.show,
      headers: [
        ...(way.show.headers ?? []),
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', KEY],
      ],
    };
    return { client: who.client, sketch: upgrade };
  }
  return null;
}

export const realtime: Behaviour = {
  id: 'realtime/websocket',
  promise:
    'A granted WebSocket opens for its clients and carries frames both ways; it is one request, holds one slot, and needs a credential and a listed origin.',
  source: 'DECISION sections 2, 4 and 5',
  cases: (subject) => {
    const found = handshakeOf(subject);
    if (!found) return [];
    const { sketch } = found;
    const without = (...names: string[]): Sketch => ({
      ...sketch,
      headers: (sketch.headers ?? []).filter(([name]) => !names.includes(name)),
    });
    return [
      { title: 'a plain GET', sketch: without('Connection', 'Upgrade', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'), opened: 'double' },
      { title: 'a POST', sketch: { ...without('Connection', 'Upgrade'), method: 'POST', body: '{}' }, opened: 'double' },
      { title: 'without a credential', sketch: { ...without('Authorization', 'X-API-Key'), certificate: null }, opened: 'double' },
      { title: 'from a page of another origin', sketch: withHeaders(sketch, ['Origin', 'https://evil.example']), opened: 'double' },
      { title: 'an upgrade to something else', sketch: withHeaders(without('Upgrade'), ['Upgrade', 'h2c']), opened: 'double' },
    ] satisfies Case[];
  },
  experiments: (subject) => {
    const found = handshakeOf(subject);
    if (!found) return [];
    const client = subject.gateway.clients.find((one) => one.name === found.client);
    const slots = client?.concurrent ?? null;
    return [
      {
        title: `${found.client} opens it and is answered three times`,
        expected: '101, three echoes, and the upstream sees the verified client',
        run: async (lab) => {
          const before = lab.double.seen.length;
          const { status, accepted, heard } = await converse(peerOf(subject, found.sketch), wireBytes(subject, found.sketch), KEY, TEXTS);
          const seen = lab.double.seen[before];
          const told = new Map(seen?.headers ?? []);
          if (status !== 101) return `status ${status}`;
          if (!accepted) return `no Sec-WebSocket-Accept of ${acceptOf(KEY)}`;
          if (heard.join() !== TEXTS.join()) return `heard ${heard.join()}`;
          if (told.get('x-gatewright-client') !== found.client) return `the upstream was told ${told.get('x-gatewright-client')}`;
          if (told.get('authorization') !== (subject.gateway.models[0]?.keyRequired ? `Bearer ${subject.upstreamKey}` : undefined))
            return 'the upstream saw another Authorization';
          return seen?.target === found.sketch.target ? null : `the upstream saw ${seen?.target}`;
        },
      },
      ...(slots === null || slots > MOST_OPEN
        ? []
        : [
            {
              title: `${slots} open at once, and one request more`,
              expected: '429 too_many_concurrent while they are open, room again once they are closed',
              run: async (lab: Parameters<NonNullable<ReturnType<NonNullable<Behaviour['experiments']>>[number]>['run']>[0]) => {
                await lab.fresh();
                let during = 0;
                const one = (left: number): Promise<unknown> =>
                  converse(peerOf(subject, found.sketch), wireBytes(subject, found.sketch), KEY, ['x'], async () => {
                    if (left > 1) await one(left - 1);
                    else {
                      const outcome = await sendSketch(subject, found.sketch);
                      during = outcome.kind === 'answer' ? outcome.status : 0;
                    }
                  });
                await one(slots);
                if (during !== 429) return `one more while they were open: ${during}`;
                // Closing is seen by the upstream first.
                await new Promise((resolve) => setTimeout(resolve, 300));
                const again = await converse(peerOf(subject, found.sketch), wireBytes(subject, found.sketch), KEY, ['x']);
                return again.status === 101 ? null : `afterwards: ${again.status}`;
              },
            },
          ]),
    ];
  },
};
