import { describe, expect, it } from 'vitest';
import { competingGuard } from '../../../shared/guards/competing-configurations.ts';
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
    return { guard: competingGuard({ store: memory.store, clock }), advance, ...memory };
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

  it('makes the guard throw while storage does not answer', async () => {
    const { guard, state } = guardWith(setting);
    state.broken = true;
    await expect(guard.review(review([departure('a')], inPlant))).rejects.toThrow('storage does not answer');
    state.broken = false;
    expect((await guard.review(review([departure('a')], inPlant))).size).toBe(1);
  });
});
