import { CLIENT_NAME, HOST_NAME, MODEL_NAME } from '../gateway/names.ts';

/** Every question of `init`. Each is also a flag of the same name, and each has a good default. */
export interface Answers {
  readonly deploy: string;
  readonly host: string;
  readonly model: string;
  readonly require: string;
  readonly client: string;
}

type QuestionName = keyof Answers;

export interface Question {
  readonly name: QuestionName;
  readonly text: string;
  readonly flag: string;
  readonly suggestion: (answers: Partial<Answers>) => string;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly problemOf: (answer: string) => string | null;
}

const oneOf =
  (values: readonly string[]) =>
  (answer: string): string | null =>
    values.includes(answer) ? null : `one of ${values.join(', ')}`;

export const QUESTIONS: readonly Question[] = [
  {
    name: 'deploy',
    text: 'Where does the gateway run?',
    flag: 'compose or host',
    suggestion: () => 'compose',
    options: [
      { value: 'compose', label: 'in Docker Compose' },
      { value: 'host', label: 'as nginx on this machine' },
    ],
    problemOf: oneOf(['compose', 'host']),
  },
  {
    name: 'host',
    text: 'Under which name do callers reach it?',
    flag: 'host name',
    suggestion: () => 'localhost',
    problemOf: (answer) => (HOST_NAME.test(answer) ? null : 'a host name in lower case, without a port'),
  },
  {
    name: 'model',
    text: 'Which model? (a URL of a vLLM that runs, or a Hugging Face id to run one)',
    flag: 'URL of a running vLLM, or a Hugging Face id',
    suggestion: () => 'http://localhost:8000',
    problemOf: (answer) =>
      /^https?:/.test(answer)
        ? URL.canParse(answer)
          ? null
          : 'not a URL'
        : MODEL_NAME.test(answer)
          ? null
          : 'a URL or an id such as Qwen/Qwen3-8B',
  },
  {
    name: 'require',
    text: 'What must callers show?',
    flag: 'apiKey, basic, mtls, or an expression of them',
    suggestion: () => 'apiKey',
    options: [
      { value: 'apiKey', label: 'an API key (works with every OpenAI client)' },
      { value: 'mtls', label: 'a client certificate' },
      { value: 'mtls and apiKey', label: 'a certificate and an API key' },
      { value: 'basic', label: 'a name and a password' },
    ],
    problemOf: (answer) => (/\bip\b|\bjwt\b/.test(answer) ? 'ip and jwt need settings: write them into the spec afterwards' : null),
  },
  {
    name: 'client',
    text: 'Who is the first caller?',
    flag: 'name of the first client',
    suggestion: () => 'alice',
    problemOf: (answer) => (CLIENT_NAME.test(answer) ? null : 'lower case letters, digits, ., _ and -'),
  },
];
