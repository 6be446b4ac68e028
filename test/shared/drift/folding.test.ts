import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DriftRow, driftKey, type Outcome, openKey } from '../../../shared/drift/index.ts';
import { DeviceRows } from '../../../shared/reconcile/device-rows.ts';
import { driftRow } from '../../support/drift-rows.ts';

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;
const timeAt = (milliseconds: number) => new Date(start + milliseconds).toISOString();

/** A row whose write has this version, and happened this many milliseconds after the start. */
function rowAt(version: number, milliseconds: number, outcome: Outcome, more: Partial<DriftRow> = {}): DriftRow {
  const at = timeAt(milliseconds);
  return driftRow('d', at, { write: { version, at, exact: true }, outcome, actual: `v${version}`, ...more });
}

/** Five repairs within a minute, so that the property is contested for the next hour. */
const contest = [1, 2, 3, 4, 5].map((number) => rowAt(2 * number, number * 10_000, 'enforced'));

/** The rows of a device in a pass that starts at this time. */
function deviceRows(rows: readonly DriftRow[], milliseconds: number) {
  return new DeviceRows(
    { open: rows.filter(({ outcome }) => outcome === 'heldBack'), recent: rows, etags: new Map() },
    { hub: 'hub', source: 'event', now: () => timeAt(milliseconds) },
  );
}

/** Records a wrong write that an event shows. */
function record(rows: DeviceRows, version: number, milliseconds: number, more: Partial<DriftRow> = {}): DriftRow {
  const { rowKey, detectedAt, outcome, outcomeAt, source, hub, v, ...departure } = rowAt(
    version,
    milliseconds,
    'pending',
    more,
  );
  return rows.rowFromEvent(departure, { operationTimestamp: departure.write.at });
}

describe('while a property is contested', () => {
  const held = rowAt(12, minute, 'heldBack');

  it('a further wrong write changes the open row, and adds no row', () => {
    const rows = deviceRows([...contest, held], 2 * minute);
    expect(record(rows, 13, 2 * minute)).toEqual({
      ...held,
      times: 2,
      lastWrite: { version: 13, at: timeAt(2 * minute), exact: true },
      lastActual: 'v13',
      foldedVersions: [13],
    });
    expect(record(rows, 14, 3 * minute)).toMatchObject({
      rowKey: held.rowKey,
      times: 3,
      lastActual: 'v14',
      actual: 'v12',
    });
    expect(rows.rows()).toHaveLength(6);
    expect(rows.takeChanges().rows.map(({ rowKey }) => rowKey)).toEqual([held.rowKey]);
  });

  it('a redelivered write changes nothing', () => {
    const first = deviceRows([...contest, held], 2 * minute);
    for (const version of [13, 14, 15]) record(first, version, version * 10_000);
    const stored = first.rows();
    const again = deviceRows(stored, 30 * minute);
    for (const version of [15, 13, 14]) record(again, version, version * 10_000);
    record(again, 12, minute);
    record(again, 10, 50_000);
    expect(again.takeChanges().rows).toEqual([]);
    // The row was repaired after the hour. A late redelivery still finds the write in the row.
    const repaired = stored.map((row) =>
      row.rowKey === held.rowKey ? ({ ...row, outcome: 'enforced' } as const) : row,
    );
    const late = deviceRows(repaired, 100 * minute);
    expect(record(late, 14, 140_000).outcome).toBe('enforced');
    expect(late.takeChanges().rows).toEqual([]);
  });

  it('a value that was right in between opens the same row again', () => {
    const rows = deviceRows([...contest, { ...held, outcome: 'healed' }], 2 * minute);
    expect(record(rows, 14, 2 * minute)).toMatchObject({ rowKey: held.rowKey, times: 2, outcome: 'pending' });
  });

  it.each([
    ['the first one after the repairs', [], 12, minute],
    ['one after the hour', [held], 13, 62 * minute],
    ['one after the row was repaired', [{ ...held, outcome: 'enforced' as const }], 13, 2 * minute],
    ['one after the module was deleted', [{ ...held, outcome: 'gone' as const }], 13, 2 * minute],
  ])('%s has a row of its own', (_, more, version, at) => {
    const rows = deviceRows([...contest, ...more], at);
    expect(record(rows, version, at)).toMatchObject({ write: { version }, outcome: 'pending' });
    expect(rows.rows()).toHaveLength(contest.length + more.length + 1);
  });

  it('another property, another policy and another kind have rows of their own', () => {
    const rows = deviceRows([...contest, held], 2 * minute);
    for (const other of [{ path: 'other' }, { policy: 'other' }, { kind: 'missingProperty' } as const]) {
      expect(record(rows, 13, 2 * minute, other).times).toBeUndefined();
    }
    expect(rows.rows()).toHaveLength(9);
  });

  it('the twin shows the folded write, and the row keeps its first value', () => {
    const rows = deviceRows([...contest, held], 2 * minute);
    const { rowKey, detectedAt, outcome, outcomeAt, source, hub, v, ...departure } = rowAt(15, 2 * minute, 'pending');
    for (let look = 0; look < 2; look++) {
      expect(rows.rowFromTwin(departure, undefined)).toMatchObject({
        ...{ rowKey: held.rowKey, outcome: 'heldBack', times: 2, actual: 'v12', lastActual: 'v15' },
      });
    }
  });
});

describe('a property that is not contested', () => {
  it('has a row for each of four repaired departures and the next one', () => {
    const rows = deviceRows([...contest.slice(1), rowAt(12, minute, 'heldBack')], 2 * minute);
    expect(record(rows, 13, 2 * minute)).toMatchObject({ write: { version: 13 }, outcome: 'pending' });
  });

  it('has a row for each write of a burst, however many there are', () => {
    const rows = deviceRows([], minute);
    for (let version = 1; version <= 300; version++) record(rows, version, version * 100);
    expect(rows.rows()).toHaveLength(300);
  });

  it('has at most 60 rows an hour, besides bursts, when nobody repairs it', () => {
    let rows: readonly DriftRow[] = [];
    for (let version = 1; version <= 300; version++) {
      const pass = deviceRows(rows, version * 12_000);
      const row = record(pass, version, version * 12_000);
      pass.setOutcome(row, 'audited');
      rows = pass.rows();
    }
    expect(rows.length).toBeLessThanOrEqual(60 + 5);
    expect(rows.reduce((sum, { times = 1 }) => sum + times, 0)).toBe(300);
  });
});

it('a device has at most 600 rows an hour, besides bursts and first rows, however many of its properties flap', () => {
  let rows: readonly DriftRow[] = [];
  for (let write = 1; write <= 40 * 60; write++) {
    const pass = deviceRows(rows, write * 1500);
    const row = record(pass, write, write * 1500, { path: `p${write % 40}` });
    pass.setOutcome(row, 'audited');
    // A pass reads at most 1000 rows in order, and the rows with folded writes.
    rows = pass.rows().toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
    rows = rows.filter(({ times }, index) => index < 1000 || times !== undefined);
  }
  expect(rows.length).toBeLessThanOrEqual(600 + 40);
  expect(rows.reduce((sum, { times = 1 }) => sum + times, 0)).toBe(40 * 60);
});

it('a row of more than two hours ago is not opened again, because a redelivery would not find it', () => {
  const hour = 3_600_000;
  const old = rowAt(1, minute, 'healed', { kind: 'missingProperty' });
  const flapping = Array.from({ length: 70 }, (_, index) => rowAt(index + 2, 2 * hour + index * 20_000, 'superseded'));
  const rows = deviceRows([old, ...flapping], 3 * hour);
  expect(record(rows, 100, 2 * hour + 40 * minute, { kind: 'missingProperty' }).times).toBeUndefined();
  expect(rows.takeChanges().rows.map(({ write }) => write.version)).toEqual([100]);
});

it('rows do not depend on how writes are split into batches, or on how often they are delivered', () => {
  const gap = fc.integer({ min: 100, max: 90_000 });
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(
      fc.array(gap, { minLength: 1, maxLength: 120 }),
      sizes,
      fc.boolean(),
      (gaps, batchSizes, isContested) => {
        const times = gaps.map((_, index) => minute + gaps.slice(0, index + 1).reduce((sum, each) => sum + each, 0));
        const deliver = (batches: readonly (readonly number[])[]) => {
          let rows: readonly DriftRow[] = isContested ? contest : [];
          for (const batch of batches) {
            const pass = deviceRows(rows, times.at(-1) ?? 0);
            for (const index of batch) {
              const row = record(pass, 20 + index, times[index] ?? 0);
              if (row.outcome === 'pending') pass.setOutcome(row, 'audited');
            }
            rows = pass.rows();
          }
          return rows.map(({ rowKey, times: count, lastWrite }) => [rowKey, count, lastWrite?.version]);
        };
        const all = times.map((_, index) => index);
        const batches: (readonly number[])[] = [];
        for (let from = 0, next = 0; from < all.length; from += batches.at(-1)?.length ?? 1, next++) {
          const size = batchSizes[next % batchSizes.length] ?? 1;
          batches.push(all.slice(from, from + size));
        }
        const once = deliver([all]);
        expect(deliver(batches)).toEqual(once);
        expect(deliver(batches.flatMap((batch) => [batch, batch]))).toEqual(once);
      },
    ),
    { numRuns: 60 },
  );
});

it('every wrong write is counted once, in any order and delivered any number of times', () => {
  const gaps = fc.array(fc.integer({ min: 100, max: 90_000 }), { minLength: 1, maxLength: 80 });
  const order = fc.infiniteStream(fc.nat());
  fc.assert(
    fc.property(gaps, order, fc.boolean(), (each, random, isContested) => {
      const times = each.map((_, index) => minute + each.slice(0, index + 1).reduce((sum, gap) => sum + gap, 0));
      const deliveries = [...times.keys(), ...times.keys()].map((index) => ({ index, place: random.next().value }));
      let rows: readonly DriftRow[] = isContested ? contest : [];
      for (const { index } of deliveries.toSorted((a, b) => a.place - b.place)) {
        const pass = deviceRows(rows, times.at(-1) ?? 0);
        const row = record(pass, 20 + index, times[index] ?? 0);
        if (row.outcome === 'pending') pass.setOutcome(row, 'audited');
        rows = pass.rows();
      }
      const added = rows.filter(({ outcome }) => outcome === 'audited');
      expect(added.reduce((sum, row) => sum + (row.times ?? 1), 0)).toBe(times.length);
    }),
    { numRuns: 200 },
  );
});

it('a late write is counted in a row that Twinkeeper has repaired since, and changes nothing else', () => {
  const held = rowAt(12, minute, 'heldBack');
  const first = deviceRows([...contest, held], 3 * minute);
  record(first, 15, 3 * minute);
  const repaired = first
    .rows()
    .map((row) => (row.rowKey === held.rowKey ? { ...row, outcome: 'enforced' as const } : row));
  const late = deviceRows(repaired, 100 * minute);
  expect(record(late, 14, 2 * minute)).toMatchObject({ outcome: 'enforced', times: 3, lastActual: 'v15' });
});

it('a folded row keeps its keys', () => {
  const held = rowAt(12, minute, 'heldBack');
  const rows = deviceRows([...contest, held], 2 * minute);
  const row = record(rows, 13, 2 * minute);
  expect(driftKey(row)).toBe(held.rowKey);
  expect(openKey(row)).toBe(openKey(held));
});
