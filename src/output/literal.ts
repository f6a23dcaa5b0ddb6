/** A text as a value in a compose file, which reads `$` as the start of a variable. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}
