import { type Answers, QUESTIONS } from './questions.ts';
import type { Asker } from './asker.ts';

/** Asks what the flags have not answered. Without an asker the suggestions are taken. */
export async function collectAnswers(given: Partial<Answers>, asker: Asker | null): Promise<Answers> {
  const answers: Partial<Record<keyof Answers, string>> = { ...given };
  for (const question of QUESTIONS) {
    if (answers[question.name] !== undefined) continue;
    const suggestion = question.suggestion(answers);
    answers[question.name] = !asker
      ? suggestion
      : question.options
        ? await asker.choice(question.text, question.options, suggestion)
        : await asker.text(question.text, suggestion, question.problemOf);
  }
  return answers as Answers;
}

/** The first answer that does not fit its question, or null. */
export function wrongAnswer(given: Partial<Answers>): { flag: string; message: string } | null {
  for (const question of QUESTIONS) {
    const answer = given[question.name];
    const problem = answer === undefined ? null : question.problemOf(answer);
    if (problem !== null) return { flag: `--${question.name}`, message: `"${answer}": ${problem}` };
  }
  return null;
}

/** The spec file as text, with the comments that a newcomer wants. */
export function draftSpec(answers: Answers): string {
  const scalar = (text: string): string => (/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(text) ? text : JSON.stringify(text));
  return [
    '# A Gatewright spec: `gatewright show` prints who may call what, `gatewright show --resolved` every default.',
    'version: 1',
    ...(answers.deploy === 'compose' ? [] : [`deploy: ${answers.deploy}`]),
    `hosts: [${answers.host.startsWith('[') ? JSON.stringify(answers.host) : answers.host}]`,
    'tls: self-signed',
    'models:',
    `  - ${/^https?:/.test(answers.model) ? answers.model : scalar(answers.model)}`,
    `clients: [${answers.client}]`,
    `auth: ${answers.require}`,
    '',
  ].join('\n');
}
