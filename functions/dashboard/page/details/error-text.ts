/** Shows an error in the dialog, with what the user can do about it. */
import { Problem } from '../api/index.ts';
import { el } from '../markup/index.ts';

export function describeError(error: unknown): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  const advice = (error instanceof Problem ? error.advice : undefined) ?? '';
  return el('p', { class: 'problem', role: 'alert' }, message, ' ', advice);
}
