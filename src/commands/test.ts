import type { Spec } from '../spec/schema.ts';
import type { ProxyName } from '../gateway/types.ts';
import { requireProject } from '../pipeline.ts';
import { decide } from '../gateway/decide.ts';
import { BEHAVIOURS } from '../probe/behaviours/index.ts';
import { startDouble } from '../probe/double.ts';
import type { Engine, FoundEngine } from '../probe/engines/engine.ts';
import { ENGINES } from '../probe/engines/index.ts';
import { openLab } from '../probe/lab.ts';
import { asRequest } from '../probe/request.ts';
import { makeSubject, type Subject } from '../probe/subject.ts';
import { predictTruthTable, type Row, runTruthTable } from '../probe/truth-table.ts';
import { worldOf } from '../probe/world.ts';
import { type CommonOptions, EXIT, exitOnInterrupt, out, say, table, tools } from './io.ts';

/** The truth table on each engine of the spec. */
export async function run(options: CommonOptions): Promise<number> {
  exitOnInterrupt();
  const project = requireProject(options.file);
  const codes: number[] = [];
  for (const name of project.gateway.proxies) codes.push(await testOn(name, project.spec as Spec, options));
  return Math.max(...codes);
}

async function testOn(name: ProxyName, spec: Spec, options: CommonOptions): Promise<number> {
  const found: FoundEngine = ENGINES[name]?.() ?? { engine: null, install: 'no engine is built' };
  const double = await startDouble();
  let subject: Subject | null = null;
  try {
    subject = await makeSubject(spec, { proxy: name, upstream: double.port, tools: tools() });
    say(options, `This is ${options.file} with:\n${subject.changes.map((change) => `  - ${change}`).join('\n')}\n`);
    if (!found.engine) return predicted(name, subject, found.install, options);
    const rows = await onEngine(subject, found.engine, double, options);
    report(rows, `on ${found.engine.label}`, options);
    return rows.every((row) => row.ok) ? EXIT.ok : EXIT.failed;
  } finally {
    await double.stop();
    subject?.remove();
  }
}

async function onEngine(
  subject: Subject,
  engine: Engine,
  double: Awaited<ReturnType<typeof startDouble>>,
  options: CommonOptions,
): Promise<Row[]> {
  const lab = await openLab(subject, engine, double);
  const shows = process.stderr.isTTY && !options.quiet;
  let count = 0;
  try {
    return await runTruthTable(lab, BEHAVIOURS, () => {
      if (shows) process.stderr.write(`\r${++count} judged`);
    });
  } finally {
    if (shows) process.stderr.write('\r\x1b[K');
    await lab.close();
  }
}

/** Without an engine the table says what should be answered. Under CI that is a failure: nothing was shown. */
function predicted(name: ProxyName, subject: Subject, install: string, options: CommonOptions): number {
  const world = worldOf(subject);
  const rows = predictTruthTable(subject, (sketch) => decide(subject.gateway, asRequest(subject, sketch), world), BEHAVIOURS);
  report(rows, 'predicted, not run', options);
  say(options, `${name} is not here, so nothing was run. To install it:\n  ${install}`);
  return process.env.CI ? EXIT.failed : EXIT.ok;
}

function report(rows: readonly Row[], how: string, options: CommonOptions): void {
  const failed = rows.filter((row) => row.ok === false);
  if (options.json) {
    out(JSON.stringify({ schemaVersion: 1, how, judged: rows.filter((row) => row.ok !== null).length, failed: failed.length, rows }));
    return;
  }
  const mark = (row: Row): string => (row.ok === null ? '?' : row.ok ? 'ok' : 'WRONG');
  out(
    table([
      ['', 'behaviour', 'request', 'expected', 'got'],
      ...rows.map((row) => [
        mark(row),
        row.behaviour,
        shorten(row.title),
        row.expected,
        row.ok === false ? `${row.got} (${row.detail})` : row.got,
      ]),
    ]),
  );
  out('');
  out(
    rows.some((row) => row.ok === null)
      ? `${rows.length} rows, ${how}`
      : `${rows.length} judged ${how}: ${rows.length - failed.length} as the spec says, ${failed.length} not`,
  );
}

/** Some targets of the probe are kilobytes long. */
function shorten(text: string): string {
  return text.length > 72 ? `${text.slice(0, 69)}...` : text;
}
