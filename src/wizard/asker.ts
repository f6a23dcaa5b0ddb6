/** What a wizard can ask. The terminal implements it with inquirer; a test answers from a list. */
export interface Asker {
  text(question: string, suggestion: string, problemOf: (answer: string) => string | null): Promise<string>;
  choice(question: string, options: readonly { readonly value: string; readonly label: string }[], suggestion: string): Promise<string>;
  yes(question: string, suggestion: boolean): Promise<boolean>;
}
