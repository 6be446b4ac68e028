import { TableClient } from '@azure/data-tables';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  BadCursorError,
  createHistory,
  createOpenSnapshots,
  type DriftRow,
  type OpenSnapshots,
  type Transition,
  withOutcome,
} from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { allPages, at, useHistory } from './history-fixture.ts';

const fixture = useHistory();
let snapshots: OpenSnapshots;

beforeAll(() => {
  snapshots = createOpenSnapshots(fixture.account, fixture.now);
});

const day = 24 * 60;

/** A row that is detected at one minute, is held back at once, and ends at another minute. `Infinity`: it does not end. */
function rowFrom(id: number, from: number, to: number, time = to): DriftRow {
  const held: Transition = { at: at(from), outcome: 'heldBack', reason: 'blastRadius: wait', by: 'event' };
  const key = { path: `p${id}`, policy: id % 2 === 0 ? 'agent' : 'other', moduleId: 'Agent' };
  return to > time
    ? driftRow(`d${id % 7}`, at(from), { ...key, outcome: 'heldBack', transitions: [held] })
    : driftRow(`d${id % 7}`, at(from), {
        ...key,
        outcome: 'enforced',
        outcomeAt: at(to),
        transitions: [held, { at: at(to), outcome: 'enforced', by: 'event' }],
      });
}

/** Lets the days pass. At each step the rows that begin or end then are stored, and the snapshot of the day is taken by its first step. */
async function live(spans: readonly (readonly [number, number])[], days: number): Promise<void> {
  const steps = spans.flatMap(([from, to], id) => [
    { minute: from, row: () => rowFrom(id, from, to, from) },
    ...(to < days * day ? [{ minute: to, row: () => rowFrom(id, from, to) }] : []),
  ]);
  const midnights = Array.from({ length: days }, (_, index) => ({ minute: index * day + 5, row: undefined }));
  for (const { minute, row } of [...steps, ...midnights].toSorted((a, b) => a.minute - b.minute)) {
    fixture.time = Date.parse(at(minute));
    if (row === undefined) await snapshots.takeDaily();
    else await fixture.record(row());
  }
  fixture.time = Date.parse(at(days * day));
}

const ids = (rows: readonly DriftRow[]) => rows.map(({ path }) => path).toSorted();
const openIn = (spans: readonly (readonly [number, number])[], from: number, to: number) =>
  spans.flatMap(([begin, end], id) => (begin < to && end > from ? [`p${id}`] : [])).toSorted();

describe('what was open during a range', () => {
  it('are all rows that were out of line at any moment of it, each once, with any size of page', async () => {
    const minute = fc.integer({ min: 1, max: 4 * 24 - 1 }).map((hour) => hour * 60);
    const span = fc
      .tuple(minute, minute, fc.boolean())
      .map(([a, b, ends]) => [Math.min(a, b), ends ? Math.max(a, b) + 60 : Number.POSITIVE_INFINITY] as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(span, { minLength: 1, maxLength: 25 }),
        fc.array(fc.tuple(minute, minute), { minLength: 4, maxLength: 4 }),
        fc.constantFrom(1, 3, 1000),
        async (spans, ranges, size) => {
          await fixture.clear();
          await live(spans, 4);
          for (const [a, b] of ranges) {
            const [from, to] = [Math.min(a, b), Math.max(a, b) + 60];
            const query = { openFrom: at(from), openTo: at(to) };
            const rows = await allPages((cursor) => fixture.history.during(query, size, cursor));
            expect(ids(rows)).toEqual(openIn(spans, from, to));
            const ofPolicy = await allPages((cursor) =>
              fixture.history.during({ ...query, policy: 'agent' }, size, cursor),
            );
            expect(ids(ofPolicy)).toEqual(openIn(spans, from, to).filter((id) => Number(id.slice(1)) % 2 === 0));
            const ofDevice = await allPages((cursor) =>
              fixture.history.during({ ...query, deviceId: 'd1' }, size, cursor),
            );
            expect(ids(ofDevice)).toEqual(openIn(spans, from, to).filter((id) => Number(id.slice(1)) % 7 === 1));
          }
        },
      ),
      { numRuns: 6 },
    );
  });

  it('is found without a snapshot, and by a search that takes too long', async () => {
    await fixture.record(...Array.from({ length: 6 }, (_, id) => rowFrom(id, 10 + id * 200, 5000, 0)));
    const impatient = createHistory(fixture.account, fixture.now, { maxSearchTime: 0 });
    const query = { openFrom: at(day - 60), openTo: at(day) };
    expect(ids(await allPages((cursor) => impatient.during(query, 100, cursor)))).toHaveLength(6);
    await snapshots.takeDaily();
    fixture.time += 60_000;
    const later = { openFrom: at(day + 1), openTo: at(day + 2) };
    expect(ids(await allPages((cursor) => impatient.during(later, 100, cursor)))).toHaveLength(6);
  });

  it('refuses the cursor of another query, and a forged one', async () => {
    await fixture.record(...Array.from({ length: 6 }, (_, id) => rowFrom(id, 10 + id, 5000, 0)));
    await snapshots.takeDaily();
    const query = { openFrom: at(day), openTo: at(day + 1) };
    const { cursor = '' } = await fixture.history.during(query, 2);
    await expect(fixture.history.during({ ...query, policy: 'agent' }, 2, cursor)).rejects.toThrow(BadCursorError);
    await expect(fixture.history.during(query, 2, 'abc')).rejects.toThrow(BadCursorError);
  });
});

describe('an old row that no snapshot lists, and that was not detected since', () => {
  const first = driftRow('old', at(10), { path: 'p1', outcome: 'heldBack' });
  /** Gives the row an outcome at a minute, and stores it. */
  async function change(row: DriftRow, minute: number, outcome: DriftRow['outcome']): Promise<DriftRow> {
    fixture.time = Date.parse(at(minute));
    const next = withOutcome(row, { outcome, error: undefined, at: at(minute), by: 'sweep' });
    await fixture.record(next);
    return next;
  }
  const takeAt = async (minute: number) => {
    fixture.time = Date.parse(at(minute));
    await snapshots.takeDaily();
  };
  const openAt = async (minute: number, size = 100) => {
    const query = { openFrom: at(minute), openTo: at(minute + 1) };
    return ids(await allPages((cursor) => fixture.history.during(query, size, cursor)));
  };

  it('is found when its drift was over and came back, until it was over again', async () => {
    await fixture.record(first);
    const retired = await change(first, 20, 'retired');
    const other = driftRow('other', at(15), { path: 'p2', outcome: 'heldBack' });
    await fixture.record(other);
    await takeAt(day);
    const again = await change(retired, day + 100, 'heldBack');
    await takeAt(2 * day);
    await change(again, 2 * day + 100, 'enforced');
    fixture.time = Date.parse(at(3 * day));
    expect(await openAt(day + 50)).toEqual(['p2']);
    for (const size of [1, 2, 100]) {
      expect(await openAt(day + 150, size)).toEqual(['p1', 'p2']);
      expect(await openAt(2 * day + 50, size)).toEqual(['p1', 'p2']);
    }
    expect(await openAt(2 * day + 150)).toEqual(['p2']);
    expect(ids((await fixture.history.during({ openFrom: at(day + 10), openTo: at(3 * day) }, 100)).rows)).toEqual([
      'p1',
      'p2',
    ]);
  });

  it('is found when it was just being repaired while the snapshot was taken', async () => {
    await fixture.record(first);
    const tried = await change(first, day - 1, 'pending');
    await takeAt(day);
    expect(await openAt(day)).toEqual(['p1']);
    await change(tried, day + 1, 'heldBack');
    fixture.time = Date.parse(at(day + 200));
    expect(await openAt(day + 100)).toEqual(['p1']);
  });

  it('is found when the process died after it had begun to open the row again', async () => {
    await fixture.record(first);
    const retired = await change(first, 20, 'retired');
    const submit = TableClient.prototype.submitTransaction;
    TableClient.prototype.submitTransaction = async function (this: TableClient, actions) {
      if (this.tableName === 'TwinkeeperOpen') throw new Error('killed');
      return submit.call(this, actions);
    };
    await expect(change(retired, day - 60, 'heldBack')).rejects.toThrow('killed');
    TableClient.prototype.submitTransaction = submit;
    await takeAt(day);
    const known = await fixture.journal.read('old', at(0));
    await change(known.recent[0] ?? first, day + 10, 'heldBack');
    fixture.time = Date.parse(at(day + 200));
    expect(await openAt(day + 100)).toEqual(['p1']);
  });

  it('has its marks removed by retention, and new rows cost none', async () => {
    const table = await openTable(fixture.account, 'TwinkeeperSnapshots');
    await fixture.record(first);
    fixture.time = Date.parse(at(12));
    const released = await change(first, 12, 'pending');
    expect(await collect(table.listEntities())).toEqual([]);
    await change(await change(released, 40, 'deferred'), 41, 'enforced');
    expect(await collect(table.listEntities())).toHaveLength(1);
    expect(await snapshots.removeBefore(new Date(at(day - 1)), () => true)).toMatchObject({ removed: 0 });
    expect(await snapshots.removeBefore(new Date(at(day)), () => true)).toMatchObject({ removed: 1 });
  });
});

describe('the snapshots of what is open', () => {
  it('are taken once a day, and one that died is taken again and never read', async () => {
    await fixture.record(rowFrom(0, 10, 9999, 0), rowFrom(1, 20, 9999, 0));
    const table = await openTable(fixture.account, 'TwinkeeperSnapshots');
    await Promise.all([snapshots.takeDaily(), snapshots.takeDaily()]);
    const count = async () => (await collect(table.listEntities())).length;
    const first = await count();
    await snapshots.takeDaily();
    expect(await count()).toBe(first);
    expect(await snapshots.before(at(day - 1))).toBeUndefined();
    expect(await snapshots.before(at(day))).toMatchObject({ takenAt: at(day), rows: 2, parts: 1 });
    fixture.time += 24 * 3600_000;
    await snapshots.takeDaily();
    expect((await snapshots.before(at(2 * day)))?.takenAt).toBe(at(2 * day));
  });

  it('are removed with their parts by retention, and newer ones stay', async () => {
    await fixture.record(rowFrom(0, 10, 9999, 0));
    await snapshots.takeDaily();
    fixture.time += 24 * 3600_000;
    await snapshots.takeDaily();
    const kept = await snapshots.before(at(2 * day));
    expect(await snapshots.removeBefore(new Date(at(day + 60)), () => false)).toMatchObject({ isUnfinished: true });
    expect(await snapshots.removeBefore(new Date(at(day + 60)), () => true)).toMatchObject({ removed: 2 });
    expect(await snapshots.before(at(day + 60))).toBeUndefined();
    expect(await snapshots.before(at(2 * day))).toEqual(kept);
    expect(await snapshots.part(String(kept?.id), 0)).toHaveLength(1);
  });
});
