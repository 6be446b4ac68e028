import { beforeEach, describe, expect, it } from 'vitest';
import { listSeals } from '../../../../shared/evidence/seal/index.ts';
import { sha256Of } from '../../../../shared/evidence/seal/manifest.ts';
import { at, type SealWorld, startSealWorld } from './seal-world.ts';

const [first, second, third] = ['2026-01-10', '2026-01-11', '2026-01-12'] as const;
let world: SealWorld;
beforeEach(async () => {
  world = await startSealWorld();
});
/** The devices and outcomes of the lines, in order. */
const short = (lines: readonly Readonly<Record<string, unknown>>[]) =>
  lines.map(({ deviceId, outcome }) => `${deviceId} ${outcome}`).toSorted();

describe('the seals of days', () => {
  it('hold each whole day once, with a chain of manifests, oldest day first', async () => {
    await world.drift('a', 1);
    await world.drift('b', 25);
    await world.act(26, 'checked');
    await world.drift('c', 49);
    const { sealed, isUnfinished } = await world.seal();
    expect(sealed.map(({ day, counts }) => [day, counts])).toEqual([
      [first, { rows: 1, transitions: 1, open: 0, actions: 0 }],
      [second, { rows: 1, transitions: 1, open: 0, actions: 2 }],
    ]);
    expect(isUnfinished).toBe(false);

    const [one, two] = [await world.manifest(first), await world.manifest(second)];
    expect(one).toMatchObject({ format: 1, hub: 'hub', from: null, to: at(24), previous: null });
    const bytes = await world.blobs.read(`manifests/${first}.json`, 1_000_000);
    const sha256 = sha256Of(bytes as Buffer);
    expect(two).toMatchObject({ from: at(24), to: at(48), sealedAt: at(49), previous: { day: first, sha256 } });
    expect(sealed[0]?.sha256).toBe(sha256);
    expect(await world.lines(second, 'rows')).toEqual([
      expect.objectContaining({ seal: 'new', over: true, deviceId: 'b', expected: 1, actual: 2 }),
    ]);
    expect(await world.lines(second, 'actions')).toEqual([
      expect.objectContaining({ event: 'began', at: at(26), action: 'release', reason: 'checked' }),
      { event: 'ended', id: expect.any(String), at: at(26), result: 'done', detail: 'done' },
    ]);
    expect(await listSeals(world.account, first, first)).toEqual([{ day: first, manifestSha256: sha256 }]);
    expect(await world.seal()).toEqual({ sealed: [], isUnfinished: false });
    expect(await world.names()).toHaveLength(2 + 2 + 3);
  });

  it('wait until the writes of a day have ended, and seal nothing where nothing happened', async () => {
    world.setClock(100);
    expect(await world.seal()).toEqual({ sealed: [], isUnfinished: false });
    expect(await world.names()).toEqual([]);
    await world.drift('a', 1);
    world.setClock(24.1);
    expect((await world.seal()).sealed).toEqual([]);
    world.setClock(24.2);
    expect((await world.seal()).sealed).toHaveLength(1);
  });

  it('have what happens later to a row on the later day, and the row as open until then', async () => {
    const held = await world.drift('a', 1, { outcome: 'heldBack', error: 'blastRadius: 3 of 3' });
    const audited = await world.drift('b', 2, { outcome: 'audited' });
    world.setClock(24.5);
    await world.seal();
    await world.change(held, 30, 'enforced');
    world.setClock(48.5);
    await world.seal();
    world.setClock(72.5);
    await world.seal();

    expect(short(await world.lines(first, 'open'))).toEqual(['a heldBack', 'b audited']);
    expect(short(await world.lines(second, 'transitions'))).toEqual(['a enforced']);
    expect(await world.lines(second, 'rows')).toEqual([
      expect.objectContaining({ seal: 'changed', over: true, deviceId: 'a' }),
    ]);
    expect(short(await world.lines(second, 'open'))).toEqual(['b audited']);
    expect(await world.lines(third, 'open')).toEqual([
      expect.objectContaining({ deviceId: 'b', detectedAt: audited.detectedAt, since: at(2) }),
    ]);
    expect((await world.manifest(third)).counts).toEqual({ rows: 0, transitions: 0, open: 1, actions: 0 });
  });

  it('are the same for days that are sealed late, whatever happened since', async () => {
    const held = await world.drift('a', 1, { outcome: 'heldBack', error: 'blastRadius: 3 of 3' });
    await world.change(held, 30, 'enforced');
    world.setClock(80);
    expect((await world.seal()).sealed).toHaveLength(3);
    expect(short(await world.lines(first, 'transitions'))).toEqual(['a heldBack']);
    expect(short(await world.lines(first, 'open'))).toEqual(['a heldBack']);
    expect(short(await world.lines(second, 'transitions'))).toEqual(['a enforced']);
    expect(await world.lines(second, 'open')).toEqual([]);
  });

  it('find what happened to old rows after the roll-ups have counted them, without the rows of other hours', async () => {
    const old = await world.drift('a', 1, { outcome: 'heldBack' });
    await world.drift('b', 3, { outcome: 'audited' });
    world.setClock(24.5);
    await world.rollups.refresh([]);
    await world.seal();
    world.setClock(49);
    await world.rollups.refresh([]);
    await world.seal();
    await world.change(old, 50, 'failed', 'refused');
    world.setClock(51);
    await world.rollups.refresh([]);
    world.setClock(73);
    await world.rollups.refresh([]);
    await world.seal();
    expect(short(await world.lines(third, 'transitions'))).toEqual(['a failed']);
    expect(short(await world.lines(third, 'open'))).toEqual(['a failed', 'b audited']);
  });

  it('count what happens again on the day on which it does', async () => {
    const held = await world.drift('a', 1, { outcome: 'deferred', error: 'busy' });
    const trying = await world.change(held, 2, 'pending');
    const again = await world.change(trying, 3, 'deferred', 'busy');
    world.setClock(24.5);
    await world.seal();
    await world.change(await world.change(again, 30, 'pending'), 30, 'deferred', 'busy');
    world.setClock(48.5);
    await world.seal();
    expect(await world.lines(first, 'transitions')).toEqual([
      expect.objectContaining({ outcome: 'deferred', at: at(1), times: 2, lastAt: at(3) }),
    ]);
    expect(await world.lines(second, 'transitions')).toEqual([
      expect.objectContaining({ outcome: 'deferred', at: at(1), times: 3, lastAt: at(30) }),
    ]);
  });

  it('do not have the number of what happened again after the day, when they are made late', async () => {
    const held = await world.drift('a', 1, { outcome: 'deferred', error: 'busy' });
    await world.change(await world.change(held, 30, 'pending'), 30, 'deferred', 'busy');
    world.setClock(48.5);
    await world.seal();
    expect((await world.lines(first, 'transitions'))[0]).not.toHaveProperty('times');
    expect((await world.lines(second, 'transitions'))[0]).toMatchObject({ times: 2, lastAt: at(30) });
    expect((await world.verify()).faults).toEqual([]);
  });

  it('do not have an outcome that only the index has, because a process was killed', async () => {
    const { createHistoryIndex } = await import('../../../../shared/drift/history-index.ts');
    const held = await world.drift('a', 1, { outcome: 'heldBack' });
    const row = { ...held, outcome: 'enforced', outcomeAt: at(2) } as const;
    const transitions = [...(held.transitions ?? []), { at: at(2), outcome: 'enforced', by: 'event' } as const];
    await createHistoryIndex(world.account, world.now).put({ rows: [{ ...row, transitions }], listed: [] });
    world.setClock(24.5);
    await world.seal();
    expect(short(await world.lines(first, 'transitions'))).toEqual(['a heldBack']);
    expect(short(await world.lines(first, 'open'))).toEqual(['a heldBack']);
  });

  it('have the end of an action on the day on which it ended, and an action that came late', async () => {
    await world.drift('a', 1);
    world.setClock(23.9);
    const by = { type: 'key', key: 'function' } as const;
    await world.actions.record(
      { action: 'sweep', by },
      async () => world.setClock(24.1),
      () => 'swept',
    );
    world.setClock(24.5);
    await world.seal();
    // The clock of this operator's machine is an hour behind.
    await world.act(23.6, 'late');
    world.setClock(48.5);
    await world.seal();
    const events = async (day: string) =>
      (await world.lines(day, 'actions')).map(({ event, at: time }) => `${event} ${time}`).toSorted();
    expect(await events(first)).toEqual([`began ${at(23.9)}`]);
    expect(await events(second)).toEqual([`began ${at(23.6)}`, `ended ${at(23.6)}`, `ended ${at(24.1)}`]);
  });

  it('go on where the time of a run ended', async () => {
    await world.drift('a', 1);
    world.setClock(80);
    let calls = 0;
    expect(await world.seal({ mayContinue: () => ++calls <= 1 })).toMatchObject({
      sealed: [{ day: first }],
      isUnfinished: true,
    });
    expect((await world.seal()).sealed.map(({ day }) => day)).toEqual([second, third]);
  });
});
