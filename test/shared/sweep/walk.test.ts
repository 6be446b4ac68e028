import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Hub, QueryPage } from '../../../shared/hub/index.ts';
import { definePolicy } from '../../../shared/policy/index.ts';
import { atQueries, inPagesOf } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const hour = 3600_000;
const custom = definePolicy({
  name: 'custom',
  module: 'Agent',
  evaluate: ({ desired: { properties } }) =>
    properties.polling === true && properties.interval === undefined ? [{ path: 'interval', expected: 100 }] : [],
});
const refusal: Answer<QueryPage> = { ok: false, problem: { type: 'refused', status: 400, message: '400 no' } };

/** Adds eight devices that break the policy. */
function addBroken(): readonly string[] {
  const devices = Array.from({ length: 8 }, () => newDeviceId('walk'));
  for (const deviceId of devices) world.add(deviceId, { Agent: { polling: true } });
  return devices;
}

const isWalk = (query: string) => query.includes('desired AS desired');

/** Wraps a hub client, and lists the pages of walks. Each page has two twins. Refuses the pages for which `refuses` returns true. */
function watched(refuses: (continuation: string | undefined) => boolean = () => false) {
  const pages: string[] = [];
  const throughHub = (hub: Hub) =>
    atQueries(
      inPagesOf(2, hub),
      (query, continuation) => {
        if (!isWalk(query)) return false;
        if (refuses(continuation)) return true;
        pages.push(continuation ?? 'first');
        return false;
      },
      () => refusal,
    );
  return { pages, throughHub };
}

describe('a walk of a policy that queries cannot express', () => {
  it('is spread over the day in slices, and finds each twin once', async () => {
    const devices = addBroken();
    const clock = new MovableClock();
    const { pages, throughHub } = watched();
    const instance = world.newInstance([custom], { throughHub, clock, walkHours: 24 });
    const found: number[] = [];
    const sentences: string[] = [];
    for (let sweeps = 0; sweeps < 24; sweeps++) {
      const row = await instance.sweep();
      found.push(row.changed);
      sentences.push(row.walked.join());
      clock.pass(hour);
    }
    // Each sweep reads one page at most, and the walk ends within the 18 hours over which it is spread.
    expect(pages).toEqual(['first', '2', '4', '6']);
    expect(Math.max(...found)).toBe(2);
    expect(found.filter((changed) => changed > 0)).toHaveLength(4);
    expect(found.findLastIndex((changed) => changed > 0)).toBeGreaterThan(12);
    expect(found.slice(19).every((changed) => changed === 0)).toBe(true);
    for (const deviceId of devices) {
      expect(await world.briefHistory(deviceId)).toEqual([['custom', 'interval', 'enforced']]);
    }
    expect(sentences[0]).toMatch(/evaluate.*2 of about 8 twins are read since .*no full read has ended yet/);
    expect(sentences.filter((sentence) => sentence.includes('The full read of 8 twins ended at'))).toHaveLength(1);
    expect(sentences[23]).toMatch(/read none of them: the last full read ended at .* next begins after/);
    // The next day, the next walk begins.
    await instance.sweep();
    expect(pages).toHaveLength(5);
  });

  it('reads all twins at once when a person starts the sweep', async () => {
    addBroken();
    const { pages, throughHub } = watched();
    const instance = world.newInstance([custom], { throughHub, walkHours: 24 });
    expect(await instance.sweep()).toMatchObject({ changed: 2 });
    expect(await instance.sweep('manual')).toMatchObject({ changed: 6 });
    expect(pages).toEqual(['first', 'first', '2', '4', '6']);
    expect(await instance.sweep()).toMatchObject({ walked: [expect.stringContaining('read none of them')] });
  });

  it('starts again in one go where the hub does not keep its place between two sweeps', async () => {
    const devices = addBroken();
    const clock = new MovableClock();
    let refused = 0;
    const { pages, throughHub } = watched((continuation) => continuation === '2' && refused++ === 0);
    const instance = world.newInstance([custom], { throughHub, clock, walkHours: 24 });
    await instance.sweep();
    clock.pass(6 * hour);
    expect(await instance.sweep()).toMatchObject({
      walked: [expect.stringContaining('The full read of 8 twins ended')],
    });
    expect(pages).toEqual(['first', 'first', '2', '4', '6']);
    for (const deviceId of devices) {
      expect(await world.briefHistory(deviceId)).toEqual([['custom', 'interval', 'enforced']]);
    }
  });

  it('takes whole twins where the hub refuses the columns', async () => {
    addBroken();
    const throughHub = (hub: Hub) => atQueries(hub, isWalk, () => refusal);
    const row = await world.newInstance([custom], { throughHub }).sweep();
    expect(row).toMatchObject({ changed: 8, walked: [expect.stringContaining('The full read of 8 twins')] });
  });

  it('takes whole twins where the hub leaves the desired properties out of its results', async () => {
    addBroken();
    const throughHub = (hub: Hub) =>
      atQueries(hub, isWalk, () => ({ ok: true, value: { items: [{ deviceId: 'a', version: 1 }] } }));
    expect(await world.newInstance([custom], { throughHub }).sweep()).toMatchObject({ changed: 8 });
  });
});
