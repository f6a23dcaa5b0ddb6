import { curl } from './curl.ts';
import { httpx, openaiPython } from './python.ts';
import type { Snippet } from './snippet.ts';

export const SNIPPETS: readonly Snippet[] = [curl, openaiPython, httpx];
