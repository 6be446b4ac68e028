import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import {
  createJournal,
  type DriftRow,
  driftKey,
  type Journal,
  type KnownRows,
  noKnownRows,
  type Outcome,
} from '../../../shared/drift/index.ts';
import { createDeadLetters, type DeadLetter, type DeadLetters } from '../../../shared/retry/index.ts';
import { openTable } from '../../../shared/storage/index.ts';

let azurite: Awaited<ReturnType<typeof startAzurite>>;
let storage: { readonly connectionString: string };
let journal: Journal;
beforeAll(async () => {
  azurite = await startAzurite();
  storage = azurite.endpoints;
  journal = createJournal(storage);
});
afterAll(() => azurite.close());

/** What the history says, without the marks that the journal keeps for itself. */
const told = ({ open, recent }: KnownRows) => ({ open, recent });
const ever = '1970-01-01T00:00:00Z';

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
    v: 1,
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
  it('knows nothing of a device that it has not heard of', async () => {
    expect(await journal.read(newDevice(), ever)).toEqual(noKnownRows());
  });

  it('gives back rows newest first, and the open ones also by themselves', async () => {
    const id = newDevice();
    const rows = [
      rowOf(id, 'a', 1),
      rowOf(id, 'b', 2, 'enforced'),
      rowOf(id, 'c', 3, 'audited'),
      rowOf(id, 'd', 4, 'failed'),
    ];
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    const { open, recent } = await journal.read(id, ever);
    expect(recent).toEqual(rows.toReversed());
    expect(paths(open).toSorted()).toEqual(['a pending', 'c audited', 'd failed']);
    expect(open.every((row) => rows.some(({ rowKey }) => rowKey === row.rowKey))).toBe(true);
  });

  it('recalls rows of writes since a time, and open ones however old', async () => {
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

  it('keeps row and open entry in step through all that can become of a row', async () => {
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
      known = await journal.read(id, ever);
      expect(told(known)).toEqual({ open: isOpen ? [row] : [], recent: [row] });
    }
  });

  it('lets the later of two departures of one property stand among the open ones', async () => {
    const id = newDevice();
    const first = rowOf(id, 'a', 1);
    await journal.write(id, [first], noKnownRows());
    const known = await journal.read(id, ever);
    const second = rowOf(id, 'a', 2);
    expect(await journal.write(id, [{ ...first, outcome: 'healed' }, second], known)).toBe('written');
    expect((await journal.read(id)).open).toEqual([second]);
  });

  it('takes nothing of a row that somebody else has written meanwhile', async () => {
    const id = newDevice();
    const theirs = rowOf(id, 'a', 1, 'enforced');
    await journal.write(id, [theirs], noKnownRows());
    expect(await journal.write(id, [rowOf(id, 'b', 2), rowOf(id, 'a', 1)], noKnownRows())).toBe('conflict');
    expect((await journal.read(id, ever)).recent).toEqual([theirs]);
  });

  it('takes no second departure as open where somebody else has opened one', async () => {
    const id = newDevice();
    await journal.write(id, [rowOf(id, 'a', 1)], noKnownRows());
    expect(await journal.write(id, [rowOf(id, 'a', 2)], noKnownRows())).toBe('conflict');
    expect(paths((await journal.read(id, ever)).recent)).toEqual(['a pending']);
  });

  it('takes no end of a departure that somebody else has ended', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1);
    await journal.write(id, [row], noKnownRows());
    const [ours, theirs] = [await journal.read(id, ever), await journal.read(id, ever)];
    await journal.write(id, [{ ...row, outcome: 'enforced' }], theirs);
    expect(await journal.write(id, [{ ...row, outcome: 'healed' }], ours)).toBe('conflict');
    expect(paths((await journal.read(id, ever)).recent)).toEqual(['a enforced']);
  });

  it('takes nothing over what somebody else has made of a row that is open still', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1, 'audited');
    await journal.write(id, [row], noKnownRows());
    const [ours, theirs] = [await journal.read(id, ever), await journal.read(id, ever)];
    await journal.write(id, [{ ...row, outcome: 'heldBack' }], theirs);
    expect(await journal.write(id, [{ ...row, outcome: 'failed' }], ours)).toBe('conflict');
    const { open, recent } = await journal.read(id, ever);
    expect(paths([...open, ...recent])).toEqual(['a heldBack', 'a heldBack']);
  });

  it('writes on what it wrote itself without asking again', async () => {
    const id = newDevice();
    const row = rowOf(id, 'a', 1);
    const known = noKnownRows();
    await journal.write(id, [row], known);
    for (const outcome of ['deferred', 'failed', 'enforced'] as const) {
      const before: KnownRows = { open: [row], recent: [row], etags: known.etags };
      expect(await journal.write(id, [{ ...row, outcome }], before)).toBe('written');
    }
    expect(paths((await journal.read(id, ever)).recent)).toEqual(['a enforced']);
  });

  it('keeps an entry for a departure that begins as the one before it ends, wherever it is read between', async () => {
    const id = newDevice();
    const first = rowOf(id, 'a', 1, 'audited');
    await journal.write(id, [first], noKnownRows());
    const known = await journal.read(id, ever);
    const second = rowOf(id, 'a', 2);
    await journal.write(id, [{ ...first, closedAt: '2026-01-01T01:00:00Z' }, second], known);
    const later = await journal.read(id);
    expect(paths(later.open)).toEqual(['a pending']);
    expect(await journal.write(id, [{ ...second, outcome: 'enforced' }], later)).toBe('written');
    expect((await journal.read(id)).open).toEqual([]);
  });

  it('takes hundreds of rows in one write, and their ends in another', async () => {
    const id = newDevice();
    const rows = Array.from({ length: 230 }, (_, index) => rowOf(id, `p${index}`, index));
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    const known = await journal.read(id, ever);
    expect(known.open).toHaveLength(230);
    expect(known.recent).toEqual(rows.toReversed());
    const ended = rows.map((row): DriftRow => ({ ...row, outcome: 'enforced' }));
    expect(await journal.write(id, ended, known)).toBe('written');
    expect(told(await journal.read(id, ever))).toEqual({ open: [], recent: ended.toReversed() });
  });

  it('takes rows whose values together are larger than one transaction', async () => {
    const id = newDevice();
    const large = { text: '€'.repeat(100_000) };
    const rows = Array.from({ length: 12 }, (_, index) =>
      rowOf(id, `p${index}`, index, 'pending', { actual: large, expected: large }),
    );
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    expect((await journal.read(id, ever)).recent).toEqual(rows.toReversed());
  });

  it('keeps devices apart whose ids hold every character, or differ in case only', async () => {
    const ids = ["a#b?c%d'e$f+g=h,i!j(k)l*m:n@o", 'A', 'a', '%23', '#'];
    for (const id of ids) expect(await journal.write(id, [rowOf(id, 'a', 1)], noKnownRows())).toBe('written');
    for (const id of ids) expect((await journal.read(id)).open.map((row) => row.deviceId)).toEqual([id]);
  });
});

describe('dead letters', () => {
  let now = Date.UTC(2026, 0, 1);
  let letters: DeadLetters;
  beforeAll(() => {
    letters = createDeadLetters(storage, () => new Date(now++));
  });

  const rowKeys = async () => {
    const keys: string[] = [];
    const table = await openTable(storage, 'TwinkeeperDeadLetters');
    for await (const { rowKey } of table.listEntities()) keys.push(String(rowKey));
    return keys;
  };
  afterEach(async () => {
    const table = await openTable(storage, 'TwinkeeperDeadLetters');
    for (const key of await rowKeys()) await table.deleteEntity('letters', key);
  });

  const put = (event: unknown, state: DeadLetter['state'] = 'dead') =>
    letters.put({ reason: 'why', deviceId: 'd', state, event });

  it('give back what was put there', async () => {
    const id = await put({ a: [1, { b: null }] }, 'parked');
    expect(await letters.get(id)).toEqual({
      id,
      at: expect.stringMatching(/^2026-01-01T/),
      reason: 'why',
      deviceId: 'd',
      state: 'parked',
      event: { a: [1, { b: null }] },
    });
    await letters.remove(id);
    expect(await letters.get(id)).toBeUndefined();
  });

  it.each([
    ['a megabyte that does not compress', () => randomBytes(1 << 20).toString('base64')],
    ['two megabytes that do not compress', () => randomBytes(2 << 20).toString('latin1')],
    ['a megabyte of one letter', () => 'x'.repeat(1 << 20)],
    ['nothing', () => undefined],
  ])('keep %s whole, and leave nothing behind', async (_, make) => {
    const event = make();
    const neighbours = [await put('before')];
    const id = await put(event);
    neighbours.push(await put('after'));
    expect((await letters.get(id))?.event).toEqual(event ?? null);
    const listed = new Map<string, unknown>();
    for await (const letter of letters.list()) listed.set(letter.id, letter.event);
    expect([...listed]).toEqual([
      [neighbours[1], 'after'],
      [id, event ?? null],
      [neighbours[0], 'before'],
    ]);
    for (const each of [id, ...neighbours]) await letters.remove(each);
    expect(await rowKeys()).toEqual([]);
  });

  it('are listed newest first', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 20; index++) ids.push(await put(index));
    const listed: string[] = [];
    for await (const letter of letters.list()) listed.push(letter.id);
    expect(listed).toEqual(ids.toReversed());
  });

  it('are not mixed up with what is left of a letter that was never finished', async () => {
    const event = randomBytes(1 << 20).toString('base64');
    const lost = await put(event);
    const table = await openTable(storage, 'TwinkeeperDeadLetters');
    await table.deleteEntity('letters', lost);
    const whole = await put(event);
    const listed: DeadLetter[] = [];
    for await (const letter of letters.list()) listed.push(letter);
    expect(listed.map(({ id }) => id)).toEqual([whole]);
    expect(listed[0]?.event).toBe(event);
    expect(await letters.get(lost)).toBeUndefined();
  });

  it('take a body that is nested deeper than a stack is high', async () => {
    const event = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    const id = await put(event);
    let depth = 0;
    for (let inner = (await letters.get(id))?.event; Array.isArray(inner); inner = inner[0] as unknown) depth++;
    expect(depth).toBe(100_000);
  });
});
