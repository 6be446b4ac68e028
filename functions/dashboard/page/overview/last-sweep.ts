/** The note about the last sweep: the devices that wait in the queue, the modules that guards hold back, and mistakes in policies. */
import type { ShownSweep } from '../../../api/history-answers.ts';
import { counted, el, find, foreign, refill } from '../markup/index.ts';

/** Shows the note. The note is empty when the last sweep left no work and found no mistake. */
export function showLastSweep(sweep: ShownSweep | undefined): void {
  const { waiting = 0, alreadyQueued = 0, heldBack = 0, warnings = [] } = sweep ?? {};
  const left = [
    ...(waiting > 0 ? [`${counted(waiting, 'device')} still waiting in the queue`] : []),
    ...(alreadyQueued > 0 ? [`${counted(alreadyQueued, 'device')} in the queue from an earlier sweep`] : []),
    ...(heldBack > 0 ? [`${counted(heldBack, 'module')} held back by a guard and unchanged`] : []),
  ];
  refill(
    find('last-sweep'),
    left.length > 0 && el('p', { class: 'note' }, `Last sweep: ${left.join('; ')}.`),
    warnings.map((warning) => el('p', { class: 'note' }, foreign(warning, 400))),
  );
}
