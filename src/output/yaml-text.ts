import { stringify } from 'yaml';

/** Serialises an object as YAML with a fixed form, so that the same object is the same text everywhere. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
