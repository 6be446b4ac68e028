/** The box at the top of the page that shows the error of a failed request. */

import { Problem } from './api/index.ts';
import { fill, find, printable } from './markup/index.ts';

/** The part of the page whose request failed. The box is hidden when the same part succeeds later. */
export type ProblemSource = 'refresh' | 'more' | 'csv';

let shownSource: ProblemSource | undefined;

export function showProblem(error: unknown, source: ProblemSource): void {
  const text =
    error instanceof Problem
      ? `${error.message} ${error.advice ?? ''}`
      : `This page failed: ${error instanceof Error ? error.message : String(error)} `;
  const box = find('problem');
  // Screen readers read an alert again whenever its text is set, so an unchanged text is not set again.
  if (box.hidden || box.textContent !== printable(text)) fill(box, text);
  shownSource = source;
  box.hidden = false;
}

/** Hides the box when it shows an error of this part of the page. Without `source`, hides any error. */
export function hideProblem(source?: ProblemSource): void {
  if (source === undefined || source === shownSource) find('problem').hidden = true;
}
