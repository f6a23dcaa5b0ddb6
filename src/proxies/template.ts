import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';

const ROOT = new URL('../../templates/', import.meta.url);

/**
 * Prints a template. Values are printed as they are, so every one must have gone through the engine's quoting.
 * A path that the view does not have throws. (Handlebars itself is silent about a missing `each` or `if`, which is
 * why a test walks every template and compares it with its view.)
 */
export function renderTemplate(name: string, view: object): string {
  const engine = Handlebars.create();
  const template = engine.compile(readTemplate(name), {
    noEscape: true,
    strict: true,
    knownHelpersOnly: true,
    knownHelpers: { each: true, if: true },
  });
  return template(view);
}

/** The text of a template, or of a file that is copied as it is. */
export function readTemplate(name: string): string {
  return readFileSync(new URL(name, ROOT), 'utf8');
}
