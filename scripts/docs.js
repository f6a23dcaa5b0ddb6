// Writes the pages that are made from the code: docs/problems.md, docs/behaviours.md, docs/spec.md. --check only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { REFUSALS } from '../dist/gateway/refusals.js';
import { ROUTE_TABLE } from '../dist/gateway/routes/index.js';
import { BEHAVIOURS } from '../dist/probe/behaviours/index.js';
import { PROBLEM_CODES } from '../dist/problems/codes.js';

const NOTE = '<!-- Made by `npm run docs` from the code. -->\n';

const problems = `${NOTE}# Problems\n\nEvery code that Gatewright prints, also by \`gatewright explain CODE\`.\n\n${Object.entries(
  PROBLEM_CODES,
)
  .map(([code, text]) => `## ${code}\n\n${text}\n`)
  .join('\n')}`;

const EXCEPTIONS = [
  ['nginx', 'a certificate that TLS refuses is answered after the handshake: 400 `bad_request`, before every other step'],
  [
    'nginx',
    'a request line that its parser refuses (a method outside `A-Z_-`, a broken `%`, a control character) is answered before the headers are read, so without CORS headers',
  ],
  ['nginx', 'HTTP/0.9 has no status line'],
  [
    'nginx 1.22',
    'over HTTP/2 a Host beside `:authority` is refused even when they are equal; of a header that may repeat (Accept), the first line goes upstream',
  ],
  ['nginx', '`100-continue` comes before a 401'],
  ['nginx', 'Retry-After may be a second longer than the bucket needs: it keeps thousandths of a request a second, rounded down'],
  [
    'nginx',
    'a missing or corrupt policy refuses the start, and a reload keeps the old one; a policy and look-ups that do not belong together are a 503',
  ],
  [
    'nginx',
    'a right password is remembered for 60 s under an HMAC whose secret is one of the installation, in `private/run`; a password that was removed may pass until then',
  ],
];
const behaviours = `${NOTE}# Behaviours\n\nWhat every generated gateway is held to, by \`gatewright test\` and by the project's own suite. Expected answers are computed by
\`decide()\`; a denial counts only if the upstream saw nothing and its allowed twin passes.\n\n| promise | about | source |\n|---|---|---|\n${BEHAVIOURS.map((b) => `| \`${b.id}\` | ${b.promise} | ${b.source} |`).join('\n')}

## Where engines may differ

Everything that is not here must be equal.\n\n| engine | differs |\n|---|---|\n${EXCEPTIONS.map(([engine, text]) => `| ${engine} | ${text} |`).join('\n')}

## Refusals

| status | code | type | message |\n|---|---|---|---|\n${Object.entries(REFUSALS)
  .map(([code, { status, type, message }]) => `| ${status} | \`${code}\` | ${type} | ${message} |`)
  .join('\n')}

## Routes of ${ROUTE_TABLE.server} ${ROUTE_TABLE.version}

| route | name | vLLM's own key | can be granted |\n|---|---|---|---|\n${ROUTE_TABLE.routes.map((r) => `| ${r.method} ${r.path.replace('*', '\\*')} | ${r.grantable ? `\`${r.name}\`` : ''} | ${r.guarded ? 'guards it' : '**leaves it open**'} | ${r.grantable ? 'yes' : 'never'} |`).join('\n')}
`;

const reference = readFileSync(new URL('../src/spec/reference.yaml', import.meta.url), 'utf8');
const spec = `${NOTE}# The spec\n\nEvery key, commented. \`gatewright reference\` prints it, \`gatewright schema\` the JSON Schema for editors:
\`# yaml-language-server: $schema=gatewright.schema.json\` as the first line.\n\n\`\`\`yaml\n${reference}\`\`\`\n`;

let stale = 0;
for (const [name, text] of Object.entries({ 'problems.md': problems, 'behaviours.md': behaviours, 'spec.md': spec })) {
  const file = new URL(`../docs/${name}`, import.meta.url);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is not what the code says; npm run docs writes it`);
    stale = 1;
  }
}
process.exitCode = stale;
