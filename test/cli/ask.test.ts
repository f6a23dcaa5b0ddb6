import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerFor } from '../../src/commands/ask.ts';
import { requireProject } from '../../src/pipeline.ts';
import { folder, gatewright } from './run.ts';

const SPEC = `version: 1
deploy: host
hosts:
  - llm.example.com
listen:
  http: 8080
models: [http://localhost:8000]
auth:
  require: apiKey or (mtls and ip) or ip
  ip:
    allow: [10.0.0.0/8]
    as: office
roles:
  developer:
    routes: [openai]
    requests: 60/minute
  reader:
    routes: [models]
clients:
  - { name: alice, role: developer }
  - { name: office, role: reader }
  - { name: ghost, role: reader }
limits:
  body: 1MB
cors:
  - https://chat.example.com
`;

/** question, flags, the answer, the line of the spec behind it (0: no line says it) */
const ROWS: readonly [string, Record<string, string | boolean>, string, number][] = [
  ['POST /v1/chat/completions', { as: 'alice' }, 'alice →upstream', 15],
  ['GET /v1/models', { from: '10.1.2.3' }, 'office →upstream', 18],
  ['GET /v1/models', { as: 'alice', from: '10.1.2.3' }, 'alice →upstream', 15],
  ['GET /v1/models', { as: 'alice', with: 'none', from: '10.1.2.3' }, 'office →upstream', 18],
  ['POST /v1/chat/completions', { from: '10.1.2.3' }, '403 route_denied', 18],
  ['POST /v1/chat/completions', {}, '401 invalid_credentials', 9],
  ['POST /v1/chat/completions', { as: 'ghost' }, '401 invalid_credentials', 9],
  ['POST /v1/chat/completions', { as: 'alice', with: 'none' }, '401 invalid_credentials', 9],
  ['POST /invocations', { as: 'alice' }, '404 not_found', 14],
  ['DELETE /v1/models', { as: 'alice' }, '405 method_not_allowed', 14],
  ['GET /v1/models', { as: 'alice', host: 'evil.example' }, '400 unknown_host', 4],
  ['GET //v1/models', { as: 'alice' }, '400 bad_request', 0],
  ['GET /v1/models?token=x', { as: 'alice' }, '400 bad_request', 0],
  ['POST /v1/chat/completions', { as: 'alice', bytes: '1000001' }, '413 body_too_large', 24],
  ['GET /v1/models', { from: '10.1.2.3', origin: 'https://evil.example' }, '403 origin_denied', 26],
  ['GET /v1/models', { http: true }, '308 https://llm.example.com:8443/v1/models', 6],
  ['POST /v1/models', { http: true }, '403 https_required', 6],
];

describe('ask', () => {
  const dir = folder();
  writeFileSync(join(dir, 'gatewright.yaml'), SPEC);
  gatewright(dir, ['ca', 'init']);
  gatewright(dir, ['key', 'create', 'alice']);
  const project = requireProject(join(dir, 'gatewright.yaml'));

  test.each(ROWS)('%s %j is %s, line %i', (question, flags, text, line) => {
    const answer = answerFor(project, question, flags);
    expect({ text: answer.text, line: answer.line?.number ?? 0 }).toEqual({ text, line });
    if (answer.line) expect(SPEC.split('\n')[answer.line.number - 1]?.trim()).toBe(answer.line.text);
  });

  test('as a user calls it', () => {
    const asked = gatewright(dir, ['ask', 'POST /v1/chat/completions', '--as', 'alice']);
    expect(asked).toMatchObject({
      code: 0,
      out: 'alice →upstream\n  gatewright.yaml:15  routes: [openai]\n  the role "developer" holds this route\n',
    });
    expect(JSON.parse(gatewright(dir, ['ask', 'GET /health', '--json']).out)).toMatchObject({ schemaVersion: 1, text: '404 not_found' });
    expect(gatewright(dir, ['ask', 'GET /health', '--as', 'nobody'])).toMatchObject({ code: 2 });
    expect(gatewright(dir, ['ask', 'POST', '/v1/chat/completions', '--as', 'alice']).out).toBe(asked.out);
    expect(gatewright(dir, ['ask', 'nonsense'])).toMatchObject({ code: 2 });
    expect(gatewright(dir, ['ask', 'GET /health', '--from', 'here'])).toMatchObject({ code: 2 });
  });
});
