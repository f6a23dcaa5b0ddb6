/** A word of an httpd config. Only the functions of this file make one, so nothing else can reach a template. */
export type HttpdToken = string & { readonly httpd: unique symbol };

const PLAIN = /^[[\]A-Za-z0-9_./:@=+*,-]+$/;

/**
 * Quotes a value. Control characters would end a directive, `${` is replaced by httpd before anything is parsed and `%` opens a
 * format in some directives; there is no escape for either, so all throw, since the spec's rules let none through.
 */
export function token(value: string): HttpdToken {
  if (/[\x00-\x1f\x7f%]|\$\{/.test(value)) throw new Error(`a value cannot be written in an httpd config: ${JSON.stringify(value)}`);
  return (PLAIN.test(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`) as HttpdToken;
}

export function numberToken(value: number): HttpdToken {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a whole number: ${value}`);
  return String(value) as HttpdToken;
}

/** A path as seen from the gateway's own folder, wherever that is: an installation that includes it has another ServerRoot. */
export function pathToken(path: string): HttpdToken {
  if (path.startsWith('/')) return token(path);
  const quoted = token(path);
  return `"\${GATEWRIGHT}/${quoted.startsWith('"') ? quoted.slice(1, -1) : quoted}"` as HttpdToken;
}
