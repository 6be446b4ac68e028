import { type DriftRow, isOver } from '../../../shared/drift/index.ts';

/** The outcome of a row at a time. */
interface RowState {
  readonly outcome: string;
  readonly reason: string | undefined;
  readonly since: string;
}

/** The outcome of a row at a time, when its departure was open then. `undefined` when it was not detected yet, or over. */
export function openStateAt(row: DriftRow, time: string): RowState | undefined {
  const end = Date.parse(time);
  if (Date.parse(row.detectedAt) >= end) return undefined;
  const last = row.transitions?.findLast(({ at }) => Date.parse(at) < end);
  if (last === undefined) return { outcome: 'pending', reason: undefined, since: row.detectedAt };
  if (last.outcome === 'ended' || isOver(last.outcome)) return undefined;
  return { outcome: last.outcome, reason: last.reason, since: last.at };
}

/** Whether a departure was not simply repaired at once: it was held back, put off, given up or only recorded at any time, or is open. */
export function isEventful(row: DriftRow): boolean {
  const eventful = ['heldBack', 'deferred', 'failed', 'audited', 'exempted'];
  return !isOver(row.outcome) || (row.transitions ?? []).some(({ outcome }) => eventful.includes(outcome));
}
