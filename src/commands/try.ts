import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireProject } from '../pipeline.ts';
import { stop } from '../problems/problem.ts';
import { startDouble } from '../probe/double.ts';
import { ENGINES } from '../probe/engines/index.ts';
import { openLab } from '../probe/lab.ts';
import { makeSubject } from '../probe/subject.ts';
import { SNIPPETS } from '../snippets/index.ts';
import { snippetContext, wayIn } from '../snippets/snippet.ts';
import { type CommonOptions, exitOnInterrupt, out, say, tools } from './io.ts';

/** Keeps the generated gateway and a double running until Ctrl-C, with a key and a curl to paste. */
export async function run(options: CommonOptions): Promise<number> {
  exitOnInterrupt();
  const project = requireProject(options.file);
  // The first engine of the spec that is here: which one it is makes no difference to a caller.
  const engines = project.gateway.proxies.map((name) => ({ name, found: ENGINES[name]?.() }));
  const here = engines.find(({ found }) => found?.engine);
  if (!here?.found?.engine)
    throw stop(
      'engine-missing',
      `${engines.map(({ name }) => name).join(', ')}: not here`,
      engines.map(({ found }) => (found && 'install' in found ? found.install : '')).join('\n'),
    );
  const { engine } = here.found;
  const double = await startDouble();
  double.pace.chunkMs = 60;
  const subject = await makeSubject(project.spec, {
    proxy: here.name,
    upstream: double.port,
    tools: tools(),
    addLocalhost: true,
    perRole: 1,
  });
  try {
    await openLab(subject, engine, double);
    say(options, `This is ${options.file} on ${engine.label} with:\n${subject.changes.map((change) => `  - ${change}`).join('\n')}\n`);
    const ca = join(subject.paths.project, 'ca.pem');
    writeFileSync(ca, subject.ca);
    const who = subject.cast[0];
    const branch = who ? wayIn(subject.gateway, who.client, { key: true, password: true, certificate: who.certificate !== null }) : null;
    if (who && branch) {
      const context = {
        ...snippetContext(subject.gateway, who.client, branch),
        url: `https://localhost:${subject.gateway.listen.https}`,
        model: 'double',
        ca,
        certificate: who.certificate?.file ?? null,
      };
      if (branch.includes('apiKey')) out(`export GATEWRIGHT_KEY='${who.key}'`);
      if (branch.includes('basic')) out(`export GATEWRIGHT_PASSWORD='${who.password.replaceAll("'", "'\\''")}'`);
      out(SNIPPETS[0]?.render(context)?.replace(/^#!.*\n/, '') ?? '');
    }
    say(options, 'Running. Ctrl-C ends it; everything made for it goes with it.');
    return await new Promise<number>(() => {});
  } finally {
    await double.stop();
    subject.remove();
  }
}
