// Writes the pages that are made from the code: docs/problems.md, docs/behaviours.md, docs/spec.md. --check only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { REFUSALS } from '../dist/gateway/refusals.js';
import { ROUTE_TABLE } from '../dist/gateway/routes/index.js';
import { BEHAVIOURS } from '../dist/probe/behaviours/index.js';
import { EXCEPTIONS } from '../dist/probe/exceptions.js';
import { PROBLEM_CODES } from '../dist/problems/codes.js';

const NOTE = '<!-- Made by `npm run docs` from the code. -->\n';

const problems = `${NOTE}# Problems\n\nEvery code that Gatewright prints, also by \`gatewright explain CODE\`.\n\n${Object.entries(
  PROBLEM_CODES,
)
  .map(([code, text]) => `## ${code}\n\n${text}\n`)
  .join('\n')}`;

const behaviours = `${NOTE}# Behaviours\n\nWhat every generated gateway is held to, by \`gatewright test\` and by the project's own suite. Expected answers are computed by
\`decide()\`; a denial counts only if the upstream saw nothing and its allowed twin passes.\n\n| promise | about | source |\n|---|---|---|\n${BEHAVIOURS.map((b) => `| \`${b.id}\` | ${b.promise} | ${b.source} |`).join('\n')}

## What it was run on

On every run of the suite: nginx 1.22.1 with njs 0.7.9 and the newest of Debian unstable (1.30.6 with njs 1.0.2 when this was written), Apache httpd 2.4.71 with mod_oauth2 3.3.1 (Debian 12, Lua 5.3), Traefik 3.6.12 (built from its
module). The Lua of the gate is also read and its hash checked with Lua 5.2, which the official image of httpd has; that image, and Docker itself, were
not run.

## Where engines may differ

Everything that is not here must be equal.\n\n| engine | differs | because |\n|---|---|---|\n${EXCEPTIONS.map((e) => `| ${e.engine} | ${e.differs} | ${e.because} |`).join('\n')}

On every engine a right password is remembered for 60 s under a hash with a secret of the installation, in private/run; a password that
was removed may pass until then.

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
