import { stop } from '../problems/problem.ts';
import type { SpecDocument } from './document.ts';

export interface ClientEntry {
  readonly name: string;
  readonly role: string | null;
}

/*
 * Edits splice the text at the positions of the parsed nodes, so that comments, order and spacing of everything else
 * stay byte for byte; a parsed document printed again would be reformatted.
 */

/** The text with one more client at the end of `clients`. */
export function addClient(document: SpecDocument, entry: ClientEntry): string {
  const { text } = document;
  const list = document.range(['clients']);
  const last = document.range(['clients', count(document) - 1]);
  if (!list || !last) throw stop('invalid-value', '`clients` is not a list that can be added to');
  const item = entry.role === null ? entry.name : `{ name: ${entry.name}, role: ${entry.role} }`;
  if (list.flow) return `${text.slice(0, last.end)}, ${item}${text.slice(last.end)}`;
  const end = lineEnd(text, contentEnd(text, last));
  const dash = text.slice(list.start - columnOf(text, list.start), list.start);
  return `${text.slice(0, end)}\n${dash}- ${item}${text.slice(end)}`;
}

/** The text without a client. */
export function removeClient(document: SpecDocument, index: number): string {
  const { text } = document;
  const list = document.range(['clients']);
  const item = document.range(['clients', index]);
  if (!list || !item) throw stop('not-found', 'there is no such client');
  if (count(document) === 1)
    throw stop('invalid-value', 'it is the only client, and a gateway without one would admit nobody', 'add another client first');
  if (!list.flow) {
    const start = text.lastIndexOf('\n', item.start) + 1;
    return text.slice(0, start) + text.slice(Math.min(lineEnd(text, contentEnd(text, item)) + 1, text.length));
  }
  const next = document.range(['clients', index + 1]);
  const previous = document.range(['clients', index - 1]);
  if (next) return text.slice(0, item.start) + text.slice(next.start);
  return text.slice(0, previous?.end ?? item.start) + text.slice(item.end);
}

function count(document: SpecDocument): number {
  const { clients } = document.value as { clients?: unknown };
  return Array.isArray(clients) ? clients.length : 0;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** The end of an item's last value: the range of a block map reaches into the lines after it. */
function contentEnd(text: string, range: { start: number; end: number }): number {
  return range.start + text.slice(range.start, range.end).trimEnd().length;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}
