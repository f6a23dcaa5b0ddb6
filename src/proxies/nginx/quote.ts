/** A word of an nginx config. Only the functions of this file make one, so nothing else can reach a template. */
export type NginxToken = string & { readonly nginx: unique symbol };

const PLAIN = /^[[\]A-Za-z0-9_./:@=+*,-]+$/;

/**
 * Quotes a value. Control characters would end a directive, and `$` would be read as a variable, for which nginx has
 * no escape: both throw, since the spec's rules let neither through.
 */
export function token(value: string): NginxToken {
  if (/[\x00-\x1f\x7f$]/.test(value)) throw new Error(`a value cannot be written in an nginx config: ${JSON.stringify(value)}`);
  return (PLAIN.test(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`) as NginxToken;
}

export function numberToken(value: number): NginxToken {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a whole number: ${value}`);
  return String(value) as NginxToken;
}
