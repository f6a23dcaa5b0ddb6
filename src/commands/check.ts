import { join } from 'node:path';
import { fileMode, listDirectory } from '../credentials/store.ts';
import { loadProject } from '../pipeline.ts';
import { exitCodeOf } from '../problems/exit.ts';
import { hasErrors, type Problem } from '../problems/problem.ts';
import { type CommonOptions, EXIT, out, say, sayProblems } from './io.ts';

export async function run(options: CommonOptions): Promise<number> {
  const { project, problems } = loadProject(options.file);
  const all = [...problems, ...(project ? tooOpen(project.paths.privateDir) : [])];
  if (options.json) out(JSON.stringify({ schemaVersion: 1, problems: all }));
  else sayProblems(all);
  if (!project || hasErrors(all)) return exitCodeOf(all);
  say(
    options,
    `${options.file} is sound: ${project.gateway.routes.length} routes, ${project.gateway.clients.length} clients, ${project.gateway.access.branches.length} way(s) in`,
  );
  return EXIT.ok;
}

/** Private files and folders that others could read. */
function tooOpen(directory: string): Problem[] {
  const mode = fileMode(directory);
  if (mode === null) return [];
  const inside = listDirectory(directory).flatMap((name) => {
    const path = join(directory, name);
    const own = fileMode(path);
    return own !== null && (own & 0o077) !== 0 ? [path] : [];
  });
  return [...((mode & 0o077) !== 0 ? [directory] : []), ...inside].map(
    (path): Problem => ({ code: 'mode-too-open', severity: 'error', message: `${path} can be read by others`, hint: `chmod go= ${path}` }),
  );
}
