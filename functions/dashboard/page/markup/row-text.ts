/** A row of the history in plain words. */
import type { DriftRow, OpenState, Outcome } from '../../../api/history-answers.ts';
import { el } from './elements.ts';
import { ownValue } from './own-value.ts';

const plainWords = {
  missingModule: 'missing module',
  missingProperty: 'missing property',
  wrongValue: 'wrong value',
  forbiddenProperty: 'forbidden property',
  notReported: 'not taken by the agent',
  custom: 'custom finding',
  policyError: 'policy error',
  heldBack: 'held back',
};

/** `wrongValue` as `wrong value`. Returns a name without a translation unchanged. */
export function words(name: string): string {
  return ownValue(plainWords, name) ?? name;
}

/** A path without the long name of its section. */
export function shortPath(path: string): string {
  return path.replace(/^[^.]{24,}\./, '…');
}

/** The property that a row is about, or one word where it is about the whole module. */
export function subject({ path, kind }: DriftRow): string {
  if (path !== '') return path;
  return kind === 'missingModule' ? 'the module' : words(kind);
}

const grades: Readonly<Record<Outcome | OpenState, 'good' | 'plain' | 'busy' | 'warn' | 'bad'>> = {
  created: 'good',
  enforced: 'good',
  healed: 'good',
  audited: 'plain',
  gone: 'plain',
  pending: 'busy',
  deferred: 'busy',
  heldBack: 'warn',
  contested: 'warn',
  failed: 'bad',
};

/** An outcome with a mark that shows how good it is. */
export function badge(outcome: Outcome | OpenState): HTMLElement {
  return el('span', { class: `badge ${ownValue(grades, outcome) ?? 'plain'}` }, words(outcome));
}

/** Milliseconds from the change to its end. Counts from the detection where no event told of the change; undefined while the row is open. */
export function took(row: DriftRow): number | undefined {
  const isOver = ['created', 'enforced', 'healed', 'gone'].includes(row.outcome);
  const end = row.closedAt ?? (isOver ? row.outcomeAt : undefined);
  if (end === undefined) return undefined;
  return Math.max(0, Date.parse(end) - Date.parse(row.operationTimestamp ?? row.detectedAt));
}

/** Identifies a row among all rows of the hub. */
export function keyOf({ deviceId, rowKey }: RowKey): string {
  return `${deviceId}\n${rowKey}`;
}

export type RowKey = Pick<DriftRow, 'deviceId' | 'rowKey'>;
