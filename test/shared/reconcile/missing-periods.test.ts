import { describe, expect, it } from 'vitest';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { isEarlier, rowOfPeriod } from '../../../shared/reconcile/missing-periods.ts';
import type { Twin } from '../../../shared/twin/index.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const deletion = (second: number, version = 3) => ({ version, at: at(second), exact: true });
const baseline = { mode: 'High' };

/** The row of a read at this second that found no module. */
function reading(second: number, more: Partial<DriftRow> = {}): DriftRow {
  const write = { version: 0, at: at(second), exact: false };
  return driftRow('d', at(second), {
    ...{ kind: 'missingModule', path: '', expected: baseline, write, outcome: 'pending' },
    ...more,
  });
}

/** The row of an event that reported the deletion of the module at this second. */
function deleted(second: number, more: Partial<DriftRow> = {}): DriftRow {
  return reading(second, { write: deletion(second), ...more });
}

const created = (second: number) => ({ outcome: 'created', outcomeAt: at(second) }) as const;
const healed = (second: number) => ({ outcome: 'healed', outcomeAt: at(second) }) as const;

/** A module twin that somebody wrote once, at this second. */
function twinOf(desired: Readonly<Record<string, string>>, second: number): Twin {
  const $metadata = { $lastUpdated: at(second), $lastUpdatedVersion: 1 };
  const empty = { properties: {}, metadata: {}, version: 1 };
  const section = { properties: desired, metadata: $metadata, version: 1 };
  return {
    ...{ deviceId: 'd', moduleId: 'Agent', etag: 'e', version: 2, tags: {}, edge: false },
    ...{ desired: section, reported: empty },
  };
}

describe('the row of a deletion', () => {
  const read = reading(100);
  const ended = reading(100, created(101));
  it.each([
    ['the row of an event with the same write', 10, [deleted(10), deleted(30)], 0],
    ['the row of a read after the deletion', 10, [read], 0],
    ['the row of a read after the deletion, also when the module exists again', 10, [ended], 0],
    ['the row of a read shortly before the deletion, because clocks differ', 104, [read], 0],
    ['no row of a read long before the deletion', 106, [read], undefined],
    ['no row whose module Twinkeeper created before the deletion', 103, [ended], undefined],
    ['no row that healed before the deletion', 101, [reading(100, healed(110))], undefined],
    ['the first read after the deletion', 10, [reading(200), ended], 1],
    ['no read after a later deletion', 10, [read, deleted(50, created(51))], undefined],
    ['the read before a later deletion', 10, [ended, deleted(150)], 0],
    ['no row of an event with another write', 10, [deleted(10, { write: deletion(10, 4) })], undefined],
    ['the row of a read that took the write of an earlier deletion', 50, [{ ...read, write: deletion(10) }], 0],
    ['no row of a read that took the write of a later deletion', 10, [{ ...read, write: deletion(50) }], undefined],
  ] as const)('is %s', (_, second, rows, index) => {
    const row = rowOfPeriod(rows, { write: deletion(second) });
    expect(row).toBe(index === undefined ? undefined : rows[index]);
  });

  it('is no row that ended with the creation of the deleted module', () => {
    const start = { write: deletion(100.9), deletedTwin: twinOf(baseline, 100.8) };
    expect(rowOfPeriod([ended], start)).toBeUndefined();
    expect(isEarlier(ended, start)).toBe(true);
    const other = { write: deletion(100.9), deletedTwin: twinOf({ mode: 'Low' }, 100.8) };
    expect(rowOfPeriod([ended], other)).toBe(ended);
  });
});
