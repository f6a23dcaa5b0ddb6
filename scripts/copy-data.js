// The compiler copies no data files; the commented reference travels with the code that prints it.
import { copyFileSync } from 'node:fs';

copyFileSync(new URL('../src/spec/reference.yaml', import.meta.url), new URL('../dist/spec/reference.yaml', import.meta.url));
