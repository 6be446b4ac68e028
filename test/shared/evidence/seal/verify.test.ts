import { beforeEach, describe, expect, it } from 'vitest';
import { createRetention, type DriftRow, withEnd, withFolded, withoutEnd } from '../../../../shared/drift/index.ts';
import { encodeDeviceId } from '../../../../shared/storage/index.ts';
import { at, type SealWorld, startSealWorld } from './seal-world.ts';

const [first, second, third] = ['2026-01-10', '2026-01-11', '2026-01-12'] as const;
type Entity = Readonly<Record<string, unknown>>;
let world: SealWorld;
let audited: DriftRow;
/** Three sealed days: a row that is repaired a day later, one that stays open, one that is repaired at once, and an action. */
beforeEach(async () => {
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
});
const isRow = (deviceId: string) => (entity: Entity) =>
  entity.deviceId === deviceId && !String(entity.rowKey).startsWith('open!');
const journal = 'TwinkeeperDrift';
const timeline = 'TwinkeeperTimeline';
const isManifestOf = (day: string) => `manifests/${day}.json`;
async function nameOf(part: string): Promise<string> {
  const name = (await world.names()).find((each) => each.includes(part));
  if (name === undefined) throw new Error(`There is no blob ${part}.`);
  return name;
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

  it.each<[what: string, alter: () => Promise<void>, faults: readonly string[]]>([
    [
      'a changed file',
      async () => world.forge(await nameOf(`${first}/transitions-`), Buffer.from('other')),
      [`file ${first} changed`],
    ],
    ['a removed file', async () => world.forge(await nameOf(`${second}/rows-`)), [`file ${second} missing`]],
    [
      'a manifest that says something else',
      async () => {
        const text = JSON.stringify({ ...(await world.manifest(second)), appVersion: '9.9.9' });
        await world.forge(isManifestOf(second), Buffer.from(text));
      },
      [`manifest ${second} changed`],
    ],
    [
      'a newest manifest with other counts',
      async () => {
        const manifest = await world.manifest(third);
        const text = JSON.stringify({ ...manifest, counts: { ...manifest.counts, open: 7 } });
        await world.forge(isManifestOf(third), Buffer.from(text));
      },
      [`manifest ${third} changed`],
    ],
    ['a text as a manifest', () => world.forge(isManifestOf(first), Buffer.from('{')), [`manifest ${first} changed`]],
    ['a manifest removed from the middle', () => world.forge(isManifestOf(second)), [`manifest ${second} missing`]],
    ['the first manifest removed', () => world.forge(isManifestOf(first)), [`manifest ${first} missing`]],
    [
      'a whole day removed, with its files',
      async () => {
        for (const name of await world.names()) if (name.includes(second)) await world.forge(name);
      },
      [`manifest ${second} missing`],
    ],
    [
      'a row with another value',
      () => world.alter(journal, isRow('repaired'), () => ({ actual: '7' })),
      ['row repaired changed journal'],
    ],
    [
      'a row of another policy, in the timeline only',
      () => world.alter(timeline, isRow('audited'), () => ({ policy: 'other' })),
      ['row audited changed timeline'],
    ],
    [
      'a row detected at another time',
      () => world.alter(journal, isRow('audited'), () => ({ detectedAt: at(3) })),
      ['row audited changed journal'],
    ],
    [
      'another outcome, with the old course',
      () => world.alter(journal, isRow('repaired'), () => ({ outcome: 'healed' })),
      ['row repaired changed journal'],
    ],
    [
      'another outcome of an open row, with the old course',
      () => world.alter(journal, isRow('audited'), () => ({ outcome: 'enforced' })),
      ['row audited changed journal'],
    ],
    [
      'a removed transition',
      () =>
        world.alter(journal, isRow('held'), ({ transitions }) => ({
          transitions: JSON.stringify(JSON.parse(String(transitions)).slice(1)),
        })),
      ['row held changed journal'],
    ],
    [
      'a transition with another reason',
      () =>
        world.alter(timeline, isRow('held'), ({ transitions }) => ({
          transitions: String(transitions).replace('3 of 3', '1 of 3'),
        })),
      ['row held changed timeline'],
    ],
    [
      'an added transition',
      () =>
        world.alter(journal, isRow('audited'), ({ transitions }) => ({
          transitions: JSON.stringify([
            ...JSON.parse(String(transitions)),
            { at: at(30), outcome: 'audited', by: 'event' },
          ]),
        })),
      ['row audited changed journal'],
    ],
    [
      'a course that is not JSON',
      () => world.alter(journal, isRow('audited'), () => ({ transitions: '[' })),
      ['row audited changed journal'],
    ],
    [
      'a row removed from both tables',
      async () => {
        await world.alter(journal, ({ deviceId }) => deviceId === 'repaired');
        await world.alter(timeline, isRow('repaired'));
      },
      ['row repaired removed journal', 'row repaired removed timeline'],
    ],
    ['a row removed from the timeline', () => world.alter(timeline, isRow('held')), ['row held removed timeline']],
    [
      'a row that slipped in',
      async () => {
        await world.drift('slipped', 28, { outcome: 'enforced' });
        world.setClock(72.5);
      },
      ['row slipped slippedIn journal', 'row slipped slippedIn timeline'],
    ],
    [
      'a row that slipped into the journal only',
      () => world.alter(journal, isRow('repaired'), () => ({ partitionKey: encodeDeviceId('copy'), deviceId: 'copy' })),
      ['row copy slippedIn journal'],
    ],
    [
      'a changed action',
      () =>
        world.alter(
          'TwinkeeperActions',
          () => true,
          () => ({ by: '{"type":"app"}' }),
        ),
      ['action changed'],
    ],
    [
      'an action that was changed in the list of its policy only',
      () =>
        world.alter(
          'TwinkeeperActions',
          ({ rowKey }) => String(rowKey).startsWith('policy!'),
          () => ({ reason: 'x' }),
        ),
      ['action changed'],
    ],
    ['a removed action', () => world.alter('TwinkeeperActions', () => true), ['action removed']],
    [
      'an action that was removed from the list of its kind only',
      () => world.alter('TwinkeeperActions', ({ rowKey }) => String(rowKey).startsWith('kind!')),
      ['action changed'],
    ],
    [
      'an action whose end was removed',
      () =>
        world.alter(
          'TwinkeeperActions',
          () => true,
          () => ({ result: 'started', detail: '', endedAt: undefined }),
        ),
      ['action changed'],
    ],
    [
      'an action that slipped in',
      async () => {
        await world.act(30, 'forged');
        world.setClock(72.5);
      },
      ['action slippedIn'],
    ],
    ['days that were never sealed', async () => world.setClock(24 * 5.5), ['manifest 2026-01-13 missing']],
  ])('finds %s', async (_, alter, faults) => {
    await alter();
    expect((await world.verify()).faults).toEqual(faults);
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
    await world.forge(
      isManifestOf(third),
      Buffer.from(JSON.stringify({ ...(await world.manifest(third)), previous: null })),
    );
    expect((await world.verify({ first, last: first })).faults).toEqual([]);
  });

  it('does not miss what retention has taken, and misses what it has not taken', async () => {
    world.setClock(24 * 20 + 1);
    await world.seal();
    const retention = createRetention(world.account, world.now);
    await retention.announce(new Date(at(48)));
    await world.actions.removeBefore(new Date(at(48)), () => true);
    await retention.removeBefore(new Date(at(48)), () => true);
    expect(await world.verify()).toMatchObject({ verified: { days: 20, retainedSince: at(48) }, faults: [] });
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
