import { describe, expect, it } from 'vitest';
import { competingGuard } from '../../../shared/guards/competing-configurations.ts';
import type { Twin } from '../../../shared/twin/index.ts';
import { departure, manualClock, memoryStore, minute, review, twin } from './guard-fixtures.ts';

describe('a path that a configuration competes for', () => {
  const onSite = "FROM devices.modules WHERE tags.site = 'plant'";
  const setting = {
    configuration: 'c',
    targetCondition: onSite,
    priority: 1,
    about: 'module',
    policy: 'p',
    module: 'M',
    path: 'a',
    theirs: 2,
    overridden: false,
  } as const;
  const inPlant = { twins: new Map([['M', twin({ a: 2 }, { tags: { site: 'plant' } })]]) };
  const elsewhere = { twins: new Map([['M', twin({ a: 2 }, { tags: { site: 'office' } })]]) };

  function guardWith(...competing: (typeof setting | (Omit<typeof setting, 'overridden'> & { overridden: true }))[]) {
    const memory = memoryStore();
    memory.state.competing = competing;
    const { clock, advance } = manualClock();
    const overridesConfigurations = (policy: string) => policy === 'overriding';
    return {
      guard: competingGuard({ store: memory.store, overridesConfigurations, clock }),
      clock,
      advance,
      ...memory,
    };
  }

  it('is left alone only on twins that the configuration targets', async () => {
    const { guard } = guardWith(setting);
    const wrong = departure('a');
    const held = await guard.review(review([wrong, departure('b'), departure('a', { policy: 'q' })], inPlant));
    expect([...held]).toEqual([[wrong, expect.stringMatching(/^competingConfiguration: .* c /)]]);
    expect((await guard.review(review([wrong], elsewhere))).size).toBe(0);
  });

  it('does not stop the creation of a module', async () => {
    const { guard } = guardWith(setting);
    const created = departure('', { kind: 'missingModule', actual: undefined });
    expect((await guard.review(review([created], { twins: new Map() }))).size).toBe(0);
  });

  it('is repaired when the policy overrides configurations', async () => {
    const { guard } = guardWith({ ...setting, overridden: true });
    expect((await guard.review(review([departure('a')], inPlant))).size).toBe(0);
  });

  it('has a reason with the same configuration for any order of the settings', async () => {
    const wrong = departure('a');
    const others = [setting, { ...setting, configuration: 'd' as 'c', priority: 5 as 1 }];
    const reasons = await Promise.all(
      [others, others.toReversed()].map(async (list) => {
        return (await guardWith(...list).guard.review(review([wrong], inPlant))).get(wrong);
      }),
    );
    expect(reasons[0]).toContain(' d ');
    expect(reasons[1]).toBe(reasons[0]);
  });

  it('is read again after ten seconds', async () => {
    const { guard, state, reads, advance } = guardWith(setting);
    const wrong = departure('a');
    await Promise.all([1, 2, 3].map(() => guard.review(review([wrong], inPlant))));
    state.competing = [];
    advance(minute / 6 - 1);
    expect((await guard.review(review([wrong], inPlant))).size).toBe(1);
    expect(reads.competing).toBe(1);
    advance(1);
    expect((await guard.review(review([wrong], inPlant))).size).toBe(0);
    expect(reads.competing).toBe(2);
  });

  describe('of an IoT Edge deployment', () => {
    const deployment = {
      ...setting,
      about: 'edgeModule' as 'module',
      targetCondition: "tags.site = 'plant'" as typeof onSite,
    };
    const module = { twins: new Map([['M', twin({ a: 2 }, { tags: { site: 'of the module' } })]]) };
    const deviceTwin = (site: string, iotEdge = true) =>
      twin({}, { tags: { site }, ...(iotEdge ? { capabilities: { iotEdge } } : {}) }, '');
    const isHeld = async (read: (() => Promise<Twin | undefined>) | undefined) => {
      const { guard } = guardWith(deployment);
      const more = { ...module, ...(read === undefined ? {} : { readDeviceTwin: read }) };
      return (await guard.review(review([departure('a')], more))).size === 1;
    };

    it('is left alone on IoT Edge devices whose device tags match', async () => {
      expect(await isHeld(async () => deviceTwin('plant'))).toBe(true);
      expect(await isHeld(async () => deviceTwin('office'))).toBe(false);
      expect(await isHeld(async () => deviceTwin('plant', false))).toBe(false);
      expect(await isHeld(async () => undefined)).toBe(false);
    });

    it('is left alone when the device twin cannot be read', async () => {
      expect(await isHeld(undefined)).toBe(true);
      await expect(isHeld(() => Promise.reject(new Error('429')))).rejects.toThrow('429');
    });

    it('needs no read of the device twin for other properties', async () => {
      const { guard } = guardWith(deployment);
      const readDeviceTwin = () => Promise.reject(new Error('The device twin must not be read.'));
      expect((await guard.review(review([departure('b')], { ...module, readDeviceTwin }))).size).toBe(0);
    });
  });

  describe('that the twin names', () => {
    const write = { version: 3, at: '2026-01-01T00:00:00Z', exact: true, by: 'rollout' };
    const wrong = departure('a', { write });
    const { twins } = elsewhere;

    it('is left alone at once, before any sweep', async () => {
      const held = await guardWith().guard.review(review([wrong, departure('b')], { twins }));
      expect([...held]).toEqual([[wrong, expect.stringMatching(/^competingConfiguration: .* rollout /)]]);
    });

    it('has the same reason as after the sweep', async () => {
      const named = await guardWith().guard.review(review([wrong], { twins }));
      const known = guardWith({ ...setting, configuration: 'rollout' as 'c' });
      known.state.configurationsReadAt = new Date(Date.parse(write.at) + 60 * minute);
      expect((await known.guard.review(review([wrong], inPlant))).get(wrong)).toBe(named.get(wrong));
    });

    it('is repaired once a sweep has read the configurations and found none that competes', async () => {
      const { guard, state, advance } = guardWith();
      state.configurationsReadAt = new Date(Date.parse(write.at) - minute);
      expect((await guard.review(review([wrong], { twins }))).size).toBe(1);
      state.configurationsReadAt = new Date(Date.parse(write.at) + 2 * minute);
      advance(minute);
      expect((await guard.review(review([wrong], { twins }))).size).toBe(0);
    });

    it('is repaired when the policy overrides configurations', async () => {
      const overriding = departure('a', { write, policy: 'overriding' });
      expect((await guardWith().guard.review(review([overriding], { twins }))).size).toBe(0);
    });
  });

  it('makes the guard throw while storage does not answer', async () => {
    const { guard, state } = guardWith(setting);
    state.broken = true;
    await expect(guard.review(review([departure('a')], inPlant))).rejects.toThrow('storage does not answer');
    state.broken = false;
    expect((await guard.review(review([departure('a')], inPlant))).size).toBe(1);
  });
});
