import { Secret } from '../credentials/secret.ts';
import type { Asker } from './asker.ts';

/** The prompts go to stderr: stdout is data. */
const CONTEXT = { output: process.stderr };

/** Asks on the terminal. Ctrl-C rejects with inquirer's ExitPromptError, which the command line turns into exit code 130. */
export async function terminalAsker(): Promise<Asker> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule(CONTEXT);
  const one = async <T>(question: object): Promise<T> =>
    ((await prompt([{ name: 'answer', ...question }] as never)) as { answer: T }).answer;
  return {
    text: (message, suggestion, problemOf) =>
      one({ type: 'input', message, default: suggestion, validate: (answer: string) => problemOf(answer) ?? true }),
    choice: (message, options, suggestion) =>
      one({ type: 'select', message, default: suggestion, choices: options.map(({ value, label }) => ({ value, name: label })) }),
    yes: (message, suggestion) => one({ type: 'confirm', message, default: suggestion }),
  };
}

export async function askSecret(message: string): Promise<Secret> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule(CONTEXT);
  const answer = (await prompt([{ name: 'answer', type: 'password', mask: '*', message }] as never)) as { answer: string };
  return new Secret(answer.answer);
}
