import { createHash } from 'node:crypto';
import { liveKeys } from '../credentials/api-key.ts';
import { readPasswords } from '../credentials/htpasswd.ts';
import { parseCidr } from '../gateway/address.ts';
import { decide } from '../gateway/decide.ts';
import type { GatewayRequest, HeaderLine, World } from '../gateway/request.ts';
import type { Gateway } from '../gateway/types.ts';
import { liveCertificates } from '../pki/inventory.ts';
import { type Project, requireProject } from '../pipeline.ts';
import { describeDecision } from '../probe/truth-table.ts';
import { stop } from '../problems/problem.ts';
import { behind } from '../spec/behind.ts';
import { type CommonOptions, EXIT, out, say } from './io.ts';

export interface AskOptions extends CommonOptions {
  readonly as?: string;
  readonly with?: string;
  readonly from?: string;
  readonly origin?: string;
  readonly host?: string;
  readonly bytes?: string;
  readonly http?: boolean;
}

/** Stands for the client's real secret: `ask` needs none, because the store knows whether one is live. */
const KEY = 'the-key-of-the-client';
const PASSWORD = 'the-password';
/** Of the shape of a JWT; what it says is what the world answers. */
const TOKEN = 'the.token.of-the-client';
const FINGERPRINT = 'the-certificate-of-the-client';

/** The request may come as one argument or as two: 'POST /v1/models' or POST /v1/models. */
export async function run(words: readonly string[], options: AskOptions): Promise<number> {
  const project = requireProject(options.file);
  const answer = answerFor(project, words.join(' '), options);
  if (options.json) out(JSON.stringify({ schemaVersion: 1, ...answer }));
  else {
    out(answer.text);
    if (answer.line) out(`  ${project.file}:${answer.line.number}  ${answer.line.text}`);
    out(`  ${answer.why}`);
    if (answer.shown.length > 0) say(options, `  shown: ${answer.shown.join(', ')}`);
  }
  return EXIT.ok;
}

export function answerFor(project: Project, question: string, options: Omit<AskOptions, keyof CommonOptions>) {
  const match = /^([A-Za-z]+) (\S+)$/.exec(question.trim());
  if (!match) throw stop('invalid-value', `"${question}" is not a method and a path`, "write it like 'POST /v1/chat/completions'");
  const { gateway } = project;
  const client = options.as ?? null;
  if (client !== null && !gateway.clients.some((one) => one.name === client))
    throw stop('unknown-client', `"${client}" is not a client`, `clients: ${gateway.clients.map((one) => one.name).join(', ')}`);
  if (options.from !== undefined && (parseCidr(options.from) === null || options.from.includes('/')))
    throw stop('invalid-value', `"${options.from}" is not an address`);
  const shown = client === null ? [] : credentialsOf(project, client, options.with);
  const request = requestFor(gateway, match[1] ?? '', match[2] ?? '', shown, client, options);
  const decision = decide(gateway, request, worldFor(gateway, client ?? '', shown));
  const source = behind(project.document, gateway, decision, 'client' in decision ? (decision.client ?? client) : client);
  return {
    text: describeDecision(decision),
    decision,
    shown,
    why: source.why,
    line: source.at ? { number: source.at.line, text: source.line } : null,
  };
}

/** Which live credentials a client has, or those that --with names. */
function credentialsOf(project: Project, client: string, wanted: string | undefined): string[] {
  const live = [
    ...(liveKeys(project.paths).some((key) => key.client === client && (key.expires === null || Date.parse(key.expires) > Date.now()))
      ? ['apiKey']
      : []),
    ...(readPasswords(project.paths).has(client) ? ['basic'] : []),
    ...(liveCertificates(project.paths).some(
      (certificate) => certificate.client === client && Date.parse(certificate.notAfter) > Date.now(),
    )
      ? ['mtls']
      : []),
    ...(project.gateway.clients.some((one) => one.name === client && one.subject !== null) ? ['jwt'] : []),
  ];
  if (wanted === undefined) return live;
  const names = wanted === '' || wanted === 'none' ? [] : wanted.split(',');
  const unknown = names.filter((name) => !['apiKey', 'basic', 'mtls', 'jwt'].includes(name));
  if (unknown.length > 0)
    throw stop(
      'invalid-value',
      `"${unknown.join(', ')}" is not a credential`,
      '--with takes apiKey, basic, mtls, jwt, joined by commas, or none',
    );
  return names;
}

function requestFor(
  gateway: Gateway,
  method: string,
  target: string,
  shown: readonly string[],
  client: string | null,
  options: Omit<AskOptions, keyof CommonOptions>,
): GatewayRequest {
  const headers: HeaderLine[] = [['Host', options.host ?? gateway.hosts[0] ?? '']];
  const other = gateway.access.apiKeyHeaders.find((name) => name !== 'authorization');
  const keyBeside = shown.includes('basic') && other !== undefined;
  if (shown.includes('apiKey'))
    headers.push(
      keyBeside || !gateway.access.apiKeyHeaders.includes('authorization')
        ? [other ?? 'x-api-key', KEY]
        : ['Authorization', `Bearer ${KEY}`],
    );
  if (shown.includes('basic') && (!shown.includes('apiKey') || keyBeside))
    headers.push(['Authorization', `Basic ${Buffer.from(`${client}:${PASSWORD}`).toString('base64')}`]);
  if (shown.includes('jwt') && !headers.some(([name]) => name === 'Authorization')) headers.push(['Authorization', `Bearer ${TOKEN}`]);
  if (options.origin !== undefined) headers.push(['Origin', options.origin]);
  const bytes = Number(options.bytes ?? (method === 'POST' ? 100 : 0));
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw stop('invalid-value', `"${options.bytes}" is not a number of bytes`);
  return {
    scheme: options.http ? 'http' : 'https',
    method,
    target,
    headers,
    peer: options.from ?? '192.0.2.1',
    certificate: shown.includes('mtls') ? { kind: 'verified', fingerprint: FINGERPRINT } : { kind: 'none' },
    body: { length: bytes, read: 0 },
    model: { kind: 'none' },
  };
}

function worldFor(gateway: Gateway, client: string, shown: readonly string[]): World {
  const digest = createHash('sha256').update(KEY).digest('hex');
  return {
    now: Math.floor(Date.now() / 1000),
    key: (sha256) => (sha256 === digest && shown.includes('apiKey') ? { client, expires: null } : null),
    password: ({ name, password }) => (name === client && password === PASSWORD && shown.includes('basic') ? 'right' : 'wrong'),
    jwt: (token) => {
      const subject = gateway.clients.find((one) => one.name === client)?.subject;
      return token === TOKEN && subject && shown.includes('jwt')
        ? { valid: true, subject, roles: null }
        : { valid: false, reason: 'token_signature' };
    },
    certificate: (fingerprint) => (fingerprint === FINGERPRINT && shown.includes('mtls') ? client : null),
    rate: () => null,
    concurrent: () => 0,
    concurrentAll: () => 0,
  };
}
