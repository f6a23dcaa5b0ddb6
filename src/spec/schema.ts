import { z } from 'zod';
import { parseCidr } from '../gateway/address.ts';
import { CLIENT_NAME, HEADER_NAME, HOST_NAME, MODEL_NAME, ROLE_NAME } from '../gateway/names.ts';
import { parseBytes, parseDuration, parseRate } from '../gateway/quantity.ts';
import { PROXY_NAMES } from '../gateway/types.ts';

/*
 * The language of gatewright.yaml. A union of a scalar and an object is a short form and its long form;
 * the scalar is rewritten into the object, so that everything behind this file sees the long form only.
 * `.meta({ since })` marks keys that this version refuses with `not-yet`; spec/not-yet.ts says when.
 */

const text = (pattern: RegExp, what: string) => z.string().regex(pattern, what);
const port = z.int().min(1).max(65_535);
const path = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}]+$/u, 'a file path');

const rate = z
  .string()
  .refine((value) => parseRate(value) !== null, 'a rate such as 60/minute (second, minute, hour or day)')
  .transform((value) => parseRate(value) ?? { count: 1, seconds: 1 });
const bytes = z
  .string()
  .refine((value) => parseBytes(value) !== null, 'a size such as 20MB or 20MiB')
  .transform((value) => parseBytes(value) ?? 0);
const duration = z
  .string()
  .refine((value) => parseDuration(value) !== null, 'a duration such as 90s or 10m')
  .transform((value) => parseDuration(value) ?? 0);
const cidr = z
  .string()
  .refine((value) => parseCidr(value) !== null, 'an address or range such as 10.0.0.0/8, with no bits set below the mask')
  .transform((value) => parseCidr(value) ?? { text: value, hex: '', bits: 128 });

const proxyName = z.enum(PROXY_NAMES);
const count = z.int().min(1).max(1_000_000);

const dockerName = text(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'a name of Docker: letters, digits, ., _ and -');
const attach = z.strictObject({
  network: dockerName.describe('The Docker network that your Traefik is on.'),
  entryPoint: text(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'the name of an entry point')
    .optional()
    .describe('Its entry point for TLS; websecure by default.'),
  resolver: text(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'the name of a resolver')
    .optional()
    .describe('Its resolver of certificates.'),
});
const compose = z.strictObject({
  subnet: cidr.optional().describe('The pinned subnet of the internal network.'),
  image: z.string().optional().describe('The image of the gateway; pinned by tag.'),
  gate: z
    .enum(['plugin', 'native'])
    .optional()
    .describe("Traefik only. native: labels for Traefik's own middlewares, without a plugin; for basic and ip joined by `and`."),
  attach: attach.optional().describe('With gate: native, the Traefik that runs already takes the place of ours.'),
});

const deploy = z.union([
  z.enum(['compose', 'host', 'kubernetes']).transform((kind) => ({ [kind]: {} }) as { compose?: {}; host?: {}; kubernetes?: {} }),
  z.strictObject({ compose }).transform((value): { compose?: z.output<typeof compose> } => value),
]);

const listen = z.strictObject({
  https: port.optional().describe('The port for TLS. 443 under compose, 8443 under host.'),
  http: z
    .union([port, z.literal('off')])
    .optional()
    .describe('The port that redirects to https, or off. 80 under compose, off under host.'),
  bind: z
    .string()
    .refine((value) => parseCidr(value) !== null && !value.includes('/'), 'an address')
    .optional(),
  prefix: text(/^\/(?:[a-z0-9._-]+\/?)*$/, 'a path that starts with /')
    .optional()
    .meta({ since: '0.5' }),
  trustedProxies: z.array(cidr).optional().describe('Peers whose X-Forwarded-For is believed.'),
});

const acme = z.strictObject({
  email: z.email(),
  directory: z.url().optional(),
  root: path.optional().describe('The CA of a private ACME directory.'),
  challenge: z.enum(['http-01', 'tls-alpn-01']).optional(),
});
const tls = z.union([
  z.enum(['self-signed']).transform(() => ({ selfSigned: true }) as const),
  z.strictObject({ cert: path, key: path }),
  z.strictObject({ acme: z.union([z.email().transform((email) => ({ email })), acme]) }).meta({ since: '0.3' }),
]);

const vllm = z.strictObject({
  quantization: z.string().optional(),
  dtype: z.enum(['auto', 'half', 'float16', 'bfloat16', 'float', 'float32']).optional(),
  maxModelLen: z.union([count, text(/^\d+[kKmM]?$/, 'a number of tokens such as 16384 or 16k')]).optional(),
  maxNumSeqs: count.optional(),
  maxQueued: count.optional().describe('Requests that may wait before vLLM answers 503.'),
  gpuMemoryUtilization: z.number().gt(0).max(1).optional(),
  tensorParallel: z.int().min(1).max(64).optional(),
  revision: z.string().optional(),
  image: z.string().optional(),
  shmSize: bytes.optional(),
  startPeriod: duration.optional(),
});

const longModel = z.strictObject({
  name: text(MODEL_NAME, 'a model name').optional().describe('What callers write in "model".'),
  aliases: z.array(text(MODEL_NAME, 'a model name')).optional(),
  run: text(MODEL_NAME, 'a Hugging Face id such as Qwen/Qwen3-8B').optional().describe('Start a vLLM here with this model.'),
  upstream: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Use a server that runs already.'),
  key: z.enum(['required', 'none']).optional().describe('Whether the upstream asks for a key.'),
  ca: path.optional().meta({ since: '0.3' }),
  gpus: z
    .array(text(/^[A-Za-z0-9:./-]+$/, 'a GPU index, UUID or MIG id'))
    .min(1)
    .optional(),
  token: z.boolean().optional().describe('Whether downloading the model needs private/run/huggingface.token.'),
  offline: z.boolean().optional().describe('Whether vLLM may not reach the internet.'),
  vllm: vllm.optional(),
});
const model = z.union([
  z
    .string()
    .min(1)
    .transform((value): z.output<typeof longModel> => (/^https?:/.test(value) ? { upstream: value } : { run: value })),
  longModel,
]);

/** Also names that are URLs, as some identity providers have. */
const claim = text(/^[A-Za-z0-9_.:/-]{1,128}$/, 'the name of a claim');

const longAuth = z.strictObject({
  require: z.string().min(1).describe('Names of methods with and, or and parentheses.'),
  apiKey: z.strictObject({ headers: z.array(text(HEADER_NAME, 'a header name')).min(1).optional() }).optional(),
  basic: z.strictObject({}).optional(),
  mtls: z
    .strictObject({
      ca: path.optional().meta({ since: '0.4' }),
      crl: path.optional().meta({ since: '0.4' }),
      client: z.enum(['cn', 'san']).optional().meta({ since: '0.4' }),
    })
    .optional(),
  ip: z.strictObject({ allow: z.array(cidr).min(1), as: text(CLIENT_NAME, 'a client name').optional() }).optional(),
  jwt: z
    .strictObject({
      issuer: z.string().min(1),
      audience: z.string().min(1),
      keys: z.string().min(1).describe('A JWKS or PEM file, or the URL of a JWKS.'),
      client: claim.optional().describe('The claim that names the caller; sub by default.'),
      roles: claim.optional().describe('The claim that holds the role.'),
      role: text(ROLE_NAME, 'a role name').optional().describe('The role of a subject that brings none.'),
    })
    .optional(),
});
const auth = z.union([
  z
    .string()
    .min(1)
    .transform((require): z.output<typeof longAuth> => ({ require })),
  longAuth,
]);

const role = z.strictObject({
  routes: z.array(z.string()).min(1).describe('Routes or groups of the route table.'),
  models: z.union([z.literal('all'), z.array(text(MODEL_NAME, 'a model name')).min(1)]).optional(),
  requests: rate.optional(),
  concurrent: count.optional(),
});

const longClient = z.strictObject({
  name: text(CLIENT_NAME, 'a client name: lower case letters, digits, ., _ and -'),
  role: text(ROLE_NAME, 'a role name').optional(),
  requests: rate.optional(),
  concurrent: count.optional(),
  sub: z.string().min(1).max(128).optional().describe('The subject of a JWT that is this client.'),
});
const client = z.union([
  z
    .string()
    .regex(CLIENT_NAME, 'a client name: lower case letters, digits, ., _ and -')
    .transform((name): z.output<typeof longClient> => ({ name })),
  longClient,
]);

const timeouts = z.strictObject({
  connect: duration.optional(),
  firstToken: duration.optional(),
  idle: duration.optional(),
  total: duration.optional(),
});

export const specSchema = z
  .strictObject({
    version: z.literal(1).describe('The version of this language.'),
    proxy: z.union([proxyName.transform((name) => [name]), z.array(proxyName).min(1)]).optional(),
    deploy: deploy.optional(),
    hosts: z.array(text(HOST_NAME, 'a host name in lower case, without a port')).min(1),
    listen: listen.optional(),
    tls: tls.optional(),
    models: z.array(model).min(1),
    auth,
    roles: z.record(text(ROLE_NAME, 'a role name: lower case letters, digits, _ and -'), role).optional(),
    clients: z.array(client).min(1),
    limits: z.strictObject({ body: bytes.optional(), concurrent: count.optional(), failures: rate.optional() }).optional(),
    cors: z.array(z.string()).optional(),
    forwardHeaders: z.array(text(HEADER_NAME, 'a header name')).optional(),
    timeouts: timeouts.optional().meta({ since: '0.3' }),
    monitoring: z
      .array(z.enum(['prometheus', 'grafana']))
      .optional()
      .meta({ since: '0.5' }),
  })
  .meta({ title: 'gatewright.yaml', description: 'The declarative spec of a Gatewright gateway.' });

/** The spec in its long form: what the user wrote, short forms expanded, no defaults filled in. */
export type Spec = z.output<typeof specSchema>;

export type ComposeSpec = z.output<typeof compose>;

/** The JSON Schema (draft 7) that editors use; it accepts what people write, short forms included. */
export function specJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(specSchema, { target: 'draft-7', io: 'input' }) as Record<string, unknown>;
}
