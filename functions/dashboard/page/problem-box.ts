/** The box at the top of the page for requests that failed. */

import { Problem } from './api/index.ts';
import { fill, find, printable } from './markup/index.ts';

/** The part of the page that failed. A success of the same part clears the box. */
export type ProblemSource = 'refresh' | 'more' | 'csv';

let shownSource: ProblemSource | undefined;

export function showProblem(error: unknown, source: ProblemSource): void {
  const text =
    error instanceof Problem
      ? `${error.message} ${error.advice ?? ''}`
      : `This page failed: ${error instanceof Error ? error.message : String(error)} `;
  const box = find('problem');
  // Screen readers read an alert again whenever it changes.
  if (box.hidden || box.textContent !== printable(text)) fill(box, text);
  shownSource = source;
  box.hidden = false;
}

/** Hides the problem of one source, or any problem. */
export function hideProblem(source?: ProblemSource): void {
  if (source === undefined || source === shownSource) find('problem').hidden = true;
}
