import { readText } from '../credentials/store.ts';
import { ROUTE_TABLE } from '../gateway/routes/index.ts';
import { stop } from '../problems/problem.ts';
import { type Finding, isPublic, scan } from '../probe/scan.ts';
import { type CommonOptions, EXIT, out, say, table } from './io.ts';

interface Options extends CommonOptions {
  readonly ca?: string;
  readonly yesIOwnIt?: boolean;
}

/** What a server answers to a caller without a credential. */
export async function run(target: string, options: Options): Promise<number> {
  if (!URL.canParse(target) || !/^https?:$/.test(new URL(target).protocol))
    throw stop('invalid-value', `"${target}" is not a URL`, 'write it like http://localhost:8000');
  const url = new URL(target);
  const ca = options.ca === undefined ? undefined : readText(options.ca);
  if (ca === null) throw stop('cannot-read', `there is no ${options.ca}`);
  const outside = await isPublic(url).catch(() => {
    throw stop('unreachable', `${url.hostname} has no address`);
  });
  if (outside && !options.yesIOwnIt)
    throw stop('public-address', `${url.hostname} is a public address, and no spec says that it is yours`, '--yes-i-own-it, if it is');
  say(
    options,
    `Asking ${url.origin} for every route of vLLM ${ROUTE_TABLE.version}, without a credential. Nothing that changes state is sent.\n`,
  );
  const findings = await scan(url, ca === undefined ? {} : { ca });
  if (findings.every((finding) => finding.verdict === 'no answer'))
    throw stop(
      'unreachable',
      `${url.origin} does not answer`,
      url.protocol === 'https:' && ca === undefined
        ? 'a certificate of a private CA needs --ca FILE'
        : 'is it running, and is it this port?',
    );
  report(findings, options);
  return findings.some((finding) => finding.verdict === 'open' && finding.class !== 'health') ? EXIT.failed : EXIT.ok;
}

const WORDS: Record<Finding['verdict'], string> = {
  open: 'OPEN: answers without a key',
  guarded: 'asks for a key',
  absent: 'not there',
  unclear: 'another method only; not asked further',
  'no answer': 'no answer',
};

function report(findings: readonly Finding[], options: Options): void {
  if (options.json) {
    out(JSON.stringify({ schemaVersion: 1, findings }));
    return;
  }
  const shown = findings.filter((finding) => finding.verdict !== 'absent' || finding.route.endsWith(' /invocations'));
  out(
    table([
      ['route', 'class', 'asked', 'answer', ''],
      ...shown.map((f) => [f.route, f.class, f.asked, String(f.status ?? '-'), WORDS[f.verdict]]),
    ]),
  );
  const count = (verdict: Finding['verdict']): number => findings.filter((finding) => finding.verdict === verdict).length;
  out('');
  out(`${count('open')} open, ${count('guarded')} ask for a key, ${count('absent')} not there`);
  if (count('open') > 0)
    out(
      "vLLM's --api-key guards paths that start with /v1, /v2, /inference or /cohere and nothing else. gatewright init puts a gateway in front.",
    );
}
