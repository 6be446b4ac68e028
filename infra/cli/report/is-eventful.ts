import { type DriftRow, isOver } from '../../../shared/drift/index.ts';

const eventful = ['heldBack', 'deferred', 'failed', 'audited', 'exempted'];

/** Whether a departure was not simply repaired at once: it was held back, put off, given up or only recorded at any time, or is open. */
export function isEventful({ outcome, transitions = [] }: DriftRow): boolean {
  return !isOver(outcome) || transitions.some((one) => eventful.includes(one.outcome));
}
