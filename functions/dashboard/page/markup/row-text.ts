/** Describes history rows in plain words. */
import type { DriftRow, OpenState, Outcome } from '../../../api/history-answers.ts';
import { el } from './elements.ts';
import { ownValue } from './own-value.ts';

const plainWords = {
  missingModule: 'missing module',
  missingBaseline: 'missing baseline',
  missingProperty: 'missing property',
  wrongValue: 'wrong value',
  forbiddenProperty: 'forbidden property',
  notReported: 'not applied by the agent',
  custom: 'custom finding',
  policyError: 'policy error',
  heldBack: 'held back',
};

/** The plain words for a kind or an outcome, such as `wrong value` for `wrongValue`. A name without plain words is returned unchanged. */
export function words(name: string): string {
  return ownValue(plainWords, name) ?? name;
}

/** Shortens a property path: a first part of at least 24 characters becomes `…`. */
export function shortPath(path: string): string {
  return path.replace(/^[^.]{24,}\./, '…');
}

/**
 * The path of the property that a history row is about. For a row about the whole module, the result is a short name, such as `the module`.
 */
export function subject({ path, kind }: DriftRow): string {
  if (path !== '') return path;
  if (kind === 'missingBaseline') return 'the baseline';
  return kind === 'missingModule' ? 'the module' : words(kind);
}

const grades: Readonly<Record<Outcome | OpenState, 'good' | 'plain' | 'busy' | 'warn' | 'bad'>> = {
  created: 'good',
  enforced: 'good',
  healed: 'plain',
  audited: 'plain',
  superseded: 'plain',
  gone: 'plain',
  retired: 'plain',
  pending: 'busy',
  deferred: 'busy',
  heldBack: 'warn',
  contested: 'warn',
  failed: 'bad',
};

/** How good or bad an outcome is. */
export function gradeOf(outcome: Outcome | OpenState): 'good' | 'plain' | 'busy' | 'warn' | 'bad' {
  return ownValue(grades, outcome) ?? 'plain';
}

/** A badge that shows an outcome. Its colour and shape show whether the outcome is good or bad. */
export function badge(outcome: Outcome | OpenState): HTMLElement {
  return el('span', { class: `badge ${gradeOf(outcome)}` }, words(outcome));
}

/**
 * Milliseconds from the change of the twin to the end of the drift. When no event reported the change, the time is counted from the
 * detection. Undefined while the row is open, for a row that a later wrong value superseded, and for a retired row, whose drift did not
 * end.
 */
export function took(row: DriftRow): number | undefined {
  const isOver = ['created', 'enforced', 'healed', 'gone'].includes(row.outcome);
  const end = row.closedAt ?? (isOver ? row.outcomeAt : undefined);
  if (end === undefined) return undefined;
  return Math.max(0, Date.parse(end) - Date.parse(row.operationTimestamp ?? row.detectedAt));
}

/** A text that identifies a history row among all rows of the hub. */
export function keyOf({ deviceId, rowKey }: RowKey): string {
  return `${deviceId}\n${rowKey}`;
}

export type RowKey = Pick<DriftRow, 'deviceId' | 'rowKey'>;
