// What every start loads becomes one file: each file costs a millisecond or two, and commander loads child_process for a
// feature (subcommands as programs) that is not used here; half of its price (docs/decisions/0006).
import { rolldown } from 'rolldown';

const CLI = new URL('../dist/cli.cjs', import.meta.url).pathname;
const LAZY = '\0child_process';

const bundle = await rolldown({
  input: CLI,
  platform: 'node',
  // Commands stay files of their own: they are loaded when they are called.
  external: (id, importer) => (id.startsWith('node:') && id !== 'node:child_process') || (id.startsWith('./') && importer === CLI),
  plugins: [
    {
      name: 'child_process when it is used',
      resolveId: (id) => (id === 'node:child_process' ? LAZY : null),
      load: (id) =>
        id === LAZY ? "module.exports = { spawn: (...args) => process.getBuiltinModule('node:child_process').spawn(...args) };" : null,
    },
  ],
});
await bundle.write({ file: CLI, format: 'cjs', minify: true });
