import { beforeAll, describe, expect, it } from 'vitest';
import {
  createHistory,
  createJournal,
  type DriftRow,
  driftKey,
  type Journal,
  type KnownRows,
  noKnownRows,
  type Outcome,
} from '../../../shared/drift/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
let storage: { readonly connectionString: string };
let journal: Journal;
beforeAll(async () => {
  azurite = await newStorageAccount();
  storage = azurite.endpoints;
  journal = createJournal(storage);
});

/** The open rows of a device, and all its rows, newest first. */
const storedRows = async (deviceId: string) => ({
  open: (await journal.read(deviceId)).open,
  all: await collect(createHistory(storage, () => new Date()).rows({ deviceId })),
});
const beginning = '1970-01-01T00:00:00Z';

let devices = 0;
const newDevice = () => `device-${++devices}`;

function rowOf(
  deviceId: string,
  path: string,
  minute: number,
  outcome: Outcome = 'pending',
  more: Partial<DriftRow> = {},
): DriftRow {
  const at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  const departure = {
    deviceId,
    moduleId: 'm',
    policy: 'p',
    path,
    kind: 'wrongValue',
    expected: 1,
    actual: 2,
    write: { version: minute, at, exact: true },
    mode: 'enforce',
  } as const;
  return {
    ...departure,
    v: 2,
    hub: 'hub',
    rowKey: driftKey(departure),
    detectedAt: at,
    source: 'event',
    outcome,
    outcomeAt: at,
    ...more,
  };
}

const paths = (rows: readonly DriftRow[]) => rows.map(({ path, outcome }) => `${path} ${outcome}`);

describe('the journal', () => {
  it('has no rows for an unknown device', async () => {
    expect(await journal.read(newDevice(), beginning)).toEqual(noKnownRows());
  });

  it('returns rows newest first, and open rows also separately', async () => {
    const id = newDevice();
    const rows = [
      rowOf(id, 'a', 1),
      rowOf(id, 'b', 2, 'enforced'),
      rowOf(id, 'c', 3, 'audited'),
      rowOf(id, 'd', 4, 'failed'),
    ];
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    const { open, recent } = await journal.read(id, beginning);
    expect(paths(recent)).toEqual(['d failed', 'c audited', 'b enforced', 'a pending']);
    expect((await storedRows(id)).all).toEqual(rows.toReversed());
    expect(paths(open).toSorted()).toEqual(['a pending', 'c audited', 'd failed']);
    expect(open.every((row) => rows.some(({ rowKey }) => rowKey === row.rowKey))).toBe(true);
  });

  it('returns rows of writes since a time, and open rows of any age', async () => {
    const id = newDevice();
    await journal.write(
      id,
      [1, 2, 3].map((minute) => rowOf(id, `p${minute}`, minute, minute === 1 ? 'pending' : 'enforced')),
      noKnownRows(),
    );
    const { open, recent } = await journal.read(id, '2026-01-01T00:03:00.0000000Z');
    expect(paths(recent)).toEqual(['p3 enforced']);
    expect(paths(open)).toEqual(['p1 pending']);
    expect((await journal.read(id)).recent).toEqual([]);
  });

  it('reads closed rows without their values, and keeps the values when such a row changes', async () => {
    const id = newDevice();
    const more = { expected: { a: 1 }, actual: 'x'.repeat(40_000), message: 'why', correlationId: 'c' };
    const rows = [rowOf(id, 'a', 1, 'enforced', more), rowOf(id, 'b', 2, 'heldBack', more)];
    await journal.write(id, rows, noKnownRows());
    const known = await journal.read(id, beginning);
    expect(known.recent.map(({ actual, message }) => [typeof actual, message])).toEqual([
      ['string', 'why'],
      ['undefined', undefined],
    ]);
    const [held, enforced] = known.recent;
    if (held === undefined || enforced === undefined) throw new Error('no rows');
    const changed = [
      { ...enforced, outcome: 'heldBack' } as const,
      { ...held, outcome: 'failed', error: 'no' } as const,
    ];
    expect(await journal.write(id, changed, known)).toBe('written');
    const expected = [
      { ...rows[1], outcome: 'failed', error: 'no' },
      { ...rows[0], outcome: 'heldBack' },
    ];
    expect((await storedRows(id)).all).toEqual(expected);
    expect((await journal.read(id)).open).toEqual(expect.arrayContaining(expected));
  });

  it('reads a row of any age by its key', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1, 'enforced');
    await journal.write(id, [row], noKnownRows());
    const since = '2026-01-02T00:00:00Z';
    expect(paths((await journal.read(id, since, [row.rowKey, 'row!unknown'])).recent)).toEqual(['a enforced']);
    expect(paths((await journal.read(id, undefined, [row.rowKey])).recent)).toEqual(['a enforced']);
  });

  it('keeps a row and its open entry equal through all outcomes', async () => {
    const id = newDevice();
    let known = noKnownRows();
    const steps: [Outcome, Partial<DriftRow>, boolean][] = [
      ['pending', {}, true],
      ['deferred', {}, true],
      ['heldBack', {}, true],
      ['failed', {}, true],
      ['audited', {}, true],
      ['audited', { closedAt: '2026-01-01T01:00:00Z' }, false],
      ['pending', {}, true],
      ['enforced', {}, false],
      ['healed', {}, false],
      ['gone', {}, false],
      ['created', {}, false],
    ];
    for (const [outcome, more, isOpen] of steps) {
      const row = rowOf(id, 'a', 1, outcome, more);
      expect(await journal.write(id, [row], known)).toBe('written');
      known = await journal.read(id, beginning);
      expect(await storedRows(id)).toEqual({ open: isOpen ? [row] : [], all: [row] });
    }
  });

  it('has the later of two departures of one property in the open entry', async () => {
    const id = newDevice();
    const first = rowOf(id, 'a', 1);
    await journal.write(id, [first], noKnownRows());
    const known = await journal.read(id, beginning);
    const second = rowOf(id, 'a', 2);
    expect(await journal.write(id, [{ ...first, outcome: 'healed' }, second], known)).toBe('written');
    expect((await journal.read(id)).open).toEqual([second]);
  });

  it('has a conflict when another pass has added the same row', async () => {
    const id = newDevice();
    const theirs = rowOf(id, 'a', 1, 'enforced');
    await journal.write(id, [theirs], noKnownRows());
    expect(await journal.write(id, [rowOf(id, 'b', 2), rowOf(id, 'a', 1)], noKnownRows())).toBe('conflict');
    expect((await storedRows(id)).all).toEqual([theirs]);
  });

  it('has a conflict when another pass has added an open departure of the same property', async () => {
    const id = newDevice();
    await journal.write(id, [rowOf(id, 'a', 1)], noKnownRows());
    expect(await journal.write(id, [rowOf(id, 'a', 2)], noKnownRows())).toBe('conflict');
    expect(paths((await journal.read(id, beginning)).recent)).toEqual(['a pending']);
  });

  it('has a conflict when another pass has added and ended a departure of the same module', async () => {
    const id = newDevice();
    await journal.write(id, [rowOf(id, 'other', 1, 'enforced')], noKnownRows());
    const [ours, theirs] = [await journal.read(id, beginning), await journal.read(id, beginning)];
    await journal.write(id, [rowOf(id, 'a', 2, 'enforced')], theirs);
    expect(await journal.write(id, [rowOf(id, 'a', 3)], ours)).toBe('conflict');
    expect(await journal.write(id, [rowOf(id, 'a', 4, 'pending', { moduleId: 'n' })], ours)).toBe('written');
    expect(paths((await journal.read(id, beginning)).recent)).toEqual(['a pending', 'a enforced', 'other enforced']);
  });

  it('has a conflict when another pass has ended the same departure', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1);
    await journal.write(id, [row], noKnownRows());
    const [ours, theirs] = [await journal.read(id, beginning), await journal.read(id, beginning)];
    await journal.write(id, [{ ...row, outcome: 'enforced' }], theirs);
    expect(await journal.write(id, [{ ...row, outcome: 'healed' }], ours)).toBe('conflict');
    expect(paths((await journal.read(id, beginning)).recent)).toEqual(['a enforced']);
  });

  it('has a conflict when another pass has changed the same open row', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1, 'audited');
    await journal.write(id, [row], noKnownRows());
    const [ours, theirs] = [await journal.read(id, beginning), await journal.read(id, beginning)];
    await journal.write(id, [{ ...row, outcome: 'heldBack' }], theirs);
    expect(await journal.write(id, [{ ...row, outcome: 'failed' }], ours)).toBe('conflict');
    const { open, recent } = await journal.read(id, beginning);
    expect(paths([...open, ...recent])).toEqual(['a heldBack', 'a heldBack']);
  });

  it('writes a row several times without reading in between', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1);
    const known = noKnownRows();
    await journal.write(id, [row], known);
    for (const outcome of ['deferred', 'failed', 'enforced'] as const) {
      const before: KnownRows = { open: [row], recent: [row], etags: known.etags };
      expect(await journal.write(id, [{ ...row, outcome }], before)).toBe('written');
    }
    expect(paths((await journal.read(id, beginning)).recent)).toEqual(['a enforced']);
  });

  it('has an open entry for a departure that begins when the one before it ends', async () => {
    const id = newDevice();
    const first = rowOf(id, 'a', 1, 'audited');
    await journal.write(id, [first], noKnownRows());
    const known = await journal.read(id, beginning);
    const second = rowOf(id, 'a', 2);
    await journal.write(id, [{ ...first, closedAt: '2026-01-01T01:00:00Z' }, second], known);
    const later = await journal.read(id);
    expect(paths(later.open)).toEqual(['a pending']);
    expect(await journal.write(id, [{ ...second, outcome: 'enforced' }], later)).toBe('written');
    expect((await journal.read(id)).open).toEqual([]);
  });

  it('writes hundreds of rows at once', async () => {
    const id = newDevice();
    const rows = Array.from({ length: 230 }, (_, index) => rowOf(id, `p${index}`, index));
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    const known = await journal.read(id, beginning);
    expect(known.open).toHaveLength(230);
    expect((await storedRows(id)).all).toEqual(rows.toReversed());
    const ended = rows.map((row): DriftRow => ({ ...row, outcome: 'enforced' }));
    expect(await journal.write(id, ended, known)).toBe('written');
    expect(await storedRows(id)).toEqual({ open: [], all: ended.toReversed() });
  });

  it('writes rows whose values exceed one transaction', async () => {
    const id = newDevice();
    const large = { text: '€'.repeat(100_000) };
    const rows = Array.from({ length: 12 }, (_, index) =>
      rowOf(id, `p${index}`, index, 'pending', { actual: large, expected: large }),
    );
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    expect((await storedRows(id)).all).toEqual(rows.toReversed());
  });

  it('separates devices with special characters in their ids, or with ids that differ only in case', async () => {
    const ids = ["a#b?c%d'e$f+g=h,i!j(k)l*m:n@o", 'A', 'a', '%23', '#'];
    for (const id of ids) expect(await journal.write(id, [rowOf(id, 'a', 1)], noKnownRows())).toBe('written');
    for (const id of ids) expect((await journal.read(id)).open.map((row) => row.deviceId)).toEqual([id]);
  });
});
