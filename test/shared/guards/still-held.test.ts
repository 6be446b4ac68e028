import { describe, expect, it } from 'vitest';
import { createGuards, type HeldRow } from '../../../shared/guards/index.ts';
import { departure, manualClock, memoryStore, minute, review, row, twin } from './guard-fixtures.ts';

/** Guards over a store in memory, with room for `room` twins of each policy. */
function guardsWith(room: number) {
  const { clock, advance } = manualClock();
  const memory = memoryStore(room);
  const guards = createGuards({
    store: memory.store,
    limit: { type: 'count', count: 100 },
    overridesConfigurations: () => false,
    countDevices: async () => undefined,
    clock,
    log: { info() {}, warn() {}, error() {} },
  });
  /** The rows of departures that the guards hold back now. */
  const heldRows = async (departures: Parameters<typeof review>[0], rows: Parameters<typeof row>[] = []) => {
    const twins = new Map([['M', twin({ a: 2, b: 2 })]]);
    const held = await guards.review(review(departures, { twins, rows: rows.map((each) => row(...each)) }));
    const outcomeAt = clock.now().toISOString();
    return [...held].map(([each, error]): HeldRow => ({ ...each, outcomeAt, error }));
  };
  return { ...memory, clock, advance, guards, heldRows };
}

describe('a row that is held back by the blast radius', () => {
  it('is still held without room, and no longer with room', async () => {
    const { guards, heldRows, state } = guardsWith(0);
    const rows = await heldRows([departure('a'), departure('b')]);
    expect(rows).toHaveLength(2);
    expect(await guards.stillHeld(rows)).toEqual(new Set(rows));
    state.room = 1;
    expect(await guards.stillHeld(rows)).toEqual(new Set());
  });

  it('is still held when there is only room for other twins', async () => {
    const { guards, heldRows, state, reservations } = guardsWith(0);
    const rows = [
      ...(await heldRows([departure('a')])),
      ...(await heldRows([departure('a', { deviceId: 'other' })])),
      ...(await heldRows([departure('a', { deviceId: 'third' })])),
    ];
    const before = reservations.length;
    state.room = 2;
    expect(await guards.stillHeld(rows)).toEqual(new Set(rows.slice(2)));
    expect(reservations).toHaveLength(before);
  });

  it('depends on the policy without room when two policies share a twin', async () => {
    const { guards, heldRows, state } = guardsWith(5);
    state.roomOf.set('full', 0);
    const rows = await heldRows([departure('a'), departure('b', { policy: 'full' })]);
    expect(rows).toHaveLength(2);
    expect(await guards.stillHeld(rows.filter(({ policy }) => policy === 'p'))).toHaveProperty('size', 1);
    state.roomOf.delete('full');
    expect(await guards.stillHeld(rows)).toEqual(new Set());
  });
});

describe('a row that is held back because its property is contested', () => {
  it('is still held until the hour is over, or until a release', async () => {
    const { guards, heldRows, clock, advance, state } = guardsWith(9);
    const start = clock.now().getTime();
    const enforced = [0, 1, 2, 3, 4].map((version): Parameters<typeof row> => {
      const write = { version, at: '2026-01-01T00:00:00Z', exact: true };
      return [departure('a', { write }), 'enforced', start + version * 1000];
    });
    advance(10 * minute);
    const rows = await heldRows([departure('a')], enforced);
    expect(rows).toHaveLength(1);
    expect(await guards.stillHeld(rows)).toEqual(new Set(rows));
    state.released = new Date(clock.now().getTime() + 1);
    expect(await guards.stillHeld(rows)).toEqual(new Set());
    state.released = undefined;
    advance(49 * minute);
    expect(await guards.stillHeld(rows)).toEqual(new Set(rows));
    advance(2 * minute);
    expect(await guards.stillHeld(rows)).toEqual(new Set());
  });
});

describe('a row with another reason', () => {
  it('is never still held, so that a sweep reads its twin', async () => {
    const { guards } = guardsWith(0);
    const rows = [undefined, 'not now', 'contested: without a time', 'competingConfiguration: gone'].map(
      (error): HeldRow => ({ ...departure('a'), outcomeAt: '2026-01-01T00:00:00Z', ...(error ? { error } : {}) }),
    );
    expect(await guards.stillHeld(rows)).toEqual(new Set());
  });
});
