import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createHistoryIndex } from '../../../shared/drift/history-index.ts';
import { createRollups, type DriftRow } from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const fixture = useRollups();
const original = { ...methodsOf(TableClient.prototype) };
afterEach(() => {
  Object.assign(TableClient.prototype, original);
});

function methodsOf({ listEntities, upsertEntity, deleteEntity, getEntity }: TableClient) {
  return { listEntities, upsertEntity, deleteEntity, getEntity };
}

/** Rows of one hour, with one second between two rows. */
const rowsIn = (start: number, count: number): readonly DriftRow[] =>
  Array.from({ length: count }, (_, index) =>
    driftRow(`device-${index % 5}`, at(start + index / 3600), { path: `p${index}`, outcome: 'audited' }),
  );
const store = (rows: readonly DriftRow[]) => createHistoryIndex(fixture.account, fixture.now).put({ rows, listed: [] });
const rollupsOf = (rowsPerTurn: number) => createRollups(fixture.account, fixture.now, { rowsPerTurn });
const countOf = async (from: number) => (await fixture.rollups.summary(at(from), at(from + 1), 1)).total;

/** Returns a `mayContinue` that ends the call after this many turns. */
function turns(count: number): () => boolean {
  let left = count;
  return () => --left > 0;
}

describe('the count of an hour with many rows', () => {
  it('comes after the current hour, and does not block the other hours', async () => {
    fixture.time = begin + 2.5 * hour;
    await store([...rowsIn(1, 100), ...rowsIn(0, 3), ...rowsIn(2, 4)]);
    const rollups = rollupsOf(10);
    await rollups.refresh([], { mayContinue: turns(1) });
    expect([await countOf(2), await countOf(1), await countOf(0)]).toEqual([4, 0, 0]);
    // The current hour is counted again, then both other hours have a turn. The hour with many rows needs further turns.
    await rollups.refresh([], { mayContinue: turns(3) });
    expect([await countOf(2), await countOf(1), await countOf(0)]).toEqual([4, 0, 3]);
    await rollups.refresh([]);
    expect([await countOf(2), await countOf(1), await countOf(0)]).toEqual([4, 100, 3]);
  });

  it('reads each row once over many calls, and only the columns that it counts', async () => {
    fixture.time = begin + 2.5 * hour;
    await store(rowsIn(1, 95));
    const selected = new Set<string>();
    let read = 0;
    TableClient.prototype.listEntities = function (this: TableClient, options) {
      const entities = original.listEntities.call(this, options);
      if (this.tableName !== 'TwinkeeperTimeline') return entities as never;
      for (const column of options?.queryOptions?.select ?? ['*']) selected.add(column);
      return (async function* () {
        for await (const entity of entities) {
          read++;
          yield entity;
        }
      })() as never;
    } as typeof original.listEntities;
    for (let call = 0; call < 12; call++) await rollupsOf(10).refresh([], { mayContinue: turns(2) });
    expect([read, await countOf(1)]).toEqual([95, 95]);
    expect(selected).not.toContain('*');
    for (const column of ['actual', 'expected', 'error']) expect(selected).not.toContain(column);
    expect((await fixture.entities('TwinkeeperRollups')).map(({ partitionKey }) => partitionKey)).not.toContain(
      'counting',
    );
  });

  it('is exact after kills at any call of storage, and after changes of rows between the calls', async () => {
    const event = fc.record({
      killAt: fc.integer({ min: 1, max: 12 }),
      turns: fc.integer({ min: 1, max: 4 }),
      /** Whether the process dies after storage has carried out the call. */
      isAfter: fc.boolean(),
      /** The rows that are written or changed before the call. */
      changed: fc.array(fc.nat(39), { maxLength: 3 }),
      minutes: fc.integer({ min: 0, max: 40 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 6 }), async (events) => {
        run += 100;
        fixture.time = begin + (run + 0.9) * hour;
        const rows = new Map(rowsIn(run, 40).map((row, index) => [index, row]));
        const stored = new Map([...rows].filter(([index]) => index % 2 === 0));
        await store([...stored.values()]);
        const rollups = rollupsOf(4);
        for (const { killAt, turns: count, isAfter, changed, minutes } of events) {
          fixture.time += minutes * 60_000;
          for (const index of changed) stored.set(index, { ...(rows.get(index) as DriftRow), outcome: 'healed' });
          await store(changed.map((index) => stored.get(index) as DriftRow));
          let calls = 0;
          for (const name of ['upsertEntity', 'deleteEntity', 'getEntity'] as const) {
            const call = original[name] as (...args: unknown[]) => Promise<unknown>;
            const mortal = async function (this: TableClient, ...args: unknown[]) {
              if (++calls < killAt) return call.apply(this, args);
              if (calls === killAt && isAfter) await call.apply(this, args);
              throw new Error('killed');
            };
            Object.assign(TableClient.prototype, { [name]: mortal });
          }
          await rollups
            .refresh([], { mayContinue: turns(count) })
            .catch((error: Error) => expect(error.message).toBe('killed'));
          Object.assign(TableClient.prototype, original);
        }
        fixture.time += 2 * hour;
        await rollups.refresh([]);
        await rollups.refresh([]);
        const { total, buckets } = await rollups.summary(at(run), at(run + 1), 1);
        const healed = [...stored.values()].filter(({ outcome }) => outcome === 'healed').length;
        expect([total, buckets[0]?.byOutcome.healed ?? 0]).toEqual([stored.size, healed]);
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
