import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRetention, type DriftRow, withEnd, withFolded, withoutEnd } from '../../../../shared/drift/index.ts';
import { at, type SealWorld, startSealWorld } from './seal-world.ts';

const [first, second, third] = ['2026-01-10', '2026-01-11', '2026-01-12'] as const;
let world: SealWorld;
let audited: DriftRow;
let restore: () => Promise<void>;
/** Three sealed days: a row that is repaired a day later, one that stays open, one that is repaired at once, and an action. */
beforeAll(async () => {
  world = await startSealWorld();
  const held = await world.drift('held', 1, { outcome: 'heldBack', error: 'blastRadius: 3 of 3' });
  audited = await world.drift('audited', 2, { outcome: 'audited' });
  world.setClock(24.5);
  await world.seal();
  await world.drift('repaired', 25);
  await world.act(26, 'checked');
  await world.change(held, 27, 'enforced');
  world.setClock(72.5);
  await world.seal();
  restore = await world.snapshot();
});
afterEach(async () => {
  world.setClock(72.5);
  await restore();
});
const isRow = (deviceId: string) => (entity: Readonly<Record<string, unknown>>) =>
  entity.deviceId === deviceId && !String(entity.rowKey).startsWith('open!');
const journal = 'TwinkeeperDrift';
const timeline = 'TwinkeeperTimeline';
const manifestOf = (day: string) => `manifests/${day}.json`;
const nameOf = async (part: string) => (await world.names()).find((each) => each.includes(part)) ?? '';
/** Writes a manifest with other fields. */
async function forgeManifest(day: string, fields: object): Promise<void> {
  await world.forge(manifestOf(day), Buffer.from(JSON.stringify({ ...(await world.manifest(day)), ...fields })));
}

describe('a comparison of the tables with the seals', () => {
  it('finds nothing when nothing was altered, and says what was compared', async () => {
    const { verified, faults } = await world.verify();
    expect(faults).toEqual([]);
    expect(verified).toEqual({ days: 3, first, last: third, lastSha256: expect.any(String), rows: 3, notCompared: 0 });
  });

  it('knows when nothing is sealed', async () => {
    const empty = await startSealWorld();
    expect((await empty.verify()).verified).toBeUndefined();
    expect((await world.verify({ first: '2027-01-01' })).verified).toBeUndefined();
  });

  it('finds nothing when the app itself goes on: rows change, are counted, and are added', async () => {
    await world.change(await world.drift('late', 72.6, { outcome: 'deferred', error: 'busy' }), 72.7, 'enforced');
    const ended = withEnd(audited, at(73), 'sweep');
    await world.record(ended);
    await world.record(withFolded(withoutEnd(ended, at(74), 'sweep'), { ...audited, actual: 3 }));
    await world.act(75, 'again');
    expect((await world.verify()).faults).toEqual([]);
    world.setClock(96.5);
    await world.seal();
    expect(await world.verify()).toMatchObject({ verified: { days: 4 }, faults: [] });
  });

  it.each<[what: string, alter: () => Promise<void>, fault: string]>([
    [
      'a changed file',
      async () => world.forge(await nameOf(`${first}/transitions-`), Buffer.from('other')),
      `file ${first} changed`,
    ],
    [
      'a file with another reason in it',
      async () => {
        const name = await nameOf(`${first}/transitions-`);
        const bytes = await world.blobs.read(name, 1_000_000);
        const text = gunzipSync(bytes as Buffer).toString('utf8');
        expect(text).toContain('3 of 3');
        await world.forge(name, gzipSync(text.replace('3 of 3', '3 of 4'), { level: 9 }));
      },
      `file ${first} changed`,
    ],
    ['a removed file', async () => world.forge(await nameOf(`${second}/rows-`)), `file ${second} missing`],
    [
      'a manifest that says something else',
      () => forgeManifest(second, { appVersion: '9.9.9' }),
      `manifest ${second} changed`,
    ],
    [
      'a newest manifest with other counts',
      () => forgeManifest(third, { counts: { rows: 0, transitions: 0, open: 7, actions: 0 } }),
      `manifest ${third} changed`,
    ],
    ['a text as a manifest', () => world.forge(manifestOf(first), Buffer.from('{')), `manifest ${first} changed`],
    ['a manifest removed from the middle', () => world.forge(manifestOf(second)), `manifest ${second} missing`],
    ['the first manifest removed', () => world.forge(manifestOf(first)), `manifest ${first} missing`],
    [
      'a whole day removed, with its files',
      async () => {
        for (const name of await world.names()) if (name.includes(second)) await world.forge(name);
      },
      `manifest ${second} missing`,
    ],
    ['days that were never sealed', async () => world.setClock(24 * 5.5), 'manifest 2026-01-13 missing'],
  ])('finds %s', async (_, alter, fault) => {
    await alter();
    expect((await world.verify()).faults).toEqual([fault]);
  });

  it('compares the chain with a hash that was kept elsewhere, so that no new chain can take its place', async () => {
    const kept = (await world.verify({ first: second, last: second })).verified?.lastSha256 ?? '';
    expect((await world.verify({}, [kept])).faults).toEqual([]);
    for (const name of await world.names()) await world.forge(name);
    await world.seal({ appVersion: '2.0.0' });
    expect((await world.verify()).faults).toEqual([]);
    expect((await world.verify({}, [kept])).faults).toEqual([`manifest ${third} changed`]);
  });

  it('says what was changed in a row, and in which way', async () => {
    await world.alter(journal, isRow('repaired'), () => ({ actual: '7' }));
    await world.alter(timeline, isRow('held'), ({ transitions }) => ({
      transitions: JSON.stringify(JSON.parse(String(transitions)).slice(1)),
    }));
    const { whats } = await world.verify();
    expect(whats.toSorted()).toEqual([`The transition to heldBack at ${at(1)} is missing.`, 'actual was 2, and is 7.']);
  });

  it('compares only the days that are asked for', async () => {
    await world.alter(journal, isRow('repaired'), () => ({ actual: '7' }));
    expect(await world.verify({ first, last: first })).toMatchObject({ verified: { days: 1, rows: 2 }, faults: [] });
    expect((await world.verify({ first: second, last: second })).faults).toEqual(['row repaired changed journal']);
    await forgeManifest(third, { previous: null });
    expect((await world.verify({ first, last: first })).faults).toEqual([]);
  });

  it('does not miss what retention has taken, and misses what it has not taken', async () => {
    world.setClock(24 * 8 + 1);
    await world.seal();
    const retention = createRetention(world.account, world.now);
    await retention.announce(new Date(at(48)));
    await world.actions.removeBefore(new Date(at(48)), () => true);
    await retention.removeBefore(new Date(at(48)), () => true);
    expect(await world.verify()).toMatchObject({ verified: { days: 8, retainedSince: at(48) }, faults: [] });
    // The open row stays, and is still compared.
    await world.alter(timeline, isRow('audited'), () => ({ policy: 'other' }));
    expect((await world.verify()).faults).toEqual(['row audited changed timeline']);
  });

  it('does not take an outcome for altered that a killed process left in the timeline', async () => {
    await world.alter(journal, isRow('repaired'), () => ({ outcome: 'pending' }));
    await world.alter(timeline, isRow('repaired'), ({ transitions }) => ({
      transitions: JSON.stringify([
        ...JSON.parse(String(transitions)),
        { at: at(30), outcome: 'audited', by: 'event' },
      ]),
    }));
    expect((await world.verify()).faults).toEqual([]);
  });
});
