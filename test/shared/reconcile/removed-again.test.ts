import { describe, expect, it } from 'vitest';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler, workForModule } from '../../../shared/reconcile/index.ts';
import { brief, quiet } from '../../support/world.ts';
import { agent, newWorld } from './memory-world.ts';

const module = { deviceId: 'd', moduleId: 'm' };

/** A device with a compliant module, and a sweep that a test can kill right after a call. */
function newDevice() {
  const world = newWorld();
  const { registry, hub, journal } = world;
  registry.create({ deviceId: 'd' }, {});
  registry.create(module, {}, { desired: { mode: 'High', s: { x: true }, note: 1, other: 1 } });
  return {
    ...world,
    patch: (desired: Readonly<Record<string, string | number | null>>) => registry.patchTwin(module, { desired }, '*'),
    /** Runs a sweep over the module. With `killAfter`, the process is killed right after the patch of the twin. */
    async sweep({ isKilled = false } = {}) {
      let dead = false;
      const dying = {
        ...hub,
        async patchDesired(...args: Parameters<typeof hub.patchDesired>) {
          await hub.patchDesired(...args);
          dead = true;
          throw new Error('killed');
        },
      };
      const dyingJournal = {
        ...journal,
        write: async (...args: Parameters<typeof journal.write>) => {
          if (dead) throw new Error('killed');
          return journal.write(...args);
        },
      };
      const policies = toPolicySet([agent], { mode: 'enforce' });
      const reconciler = new Reconciler({
        policies,
        hub: isKilled ? dying : hub,
        journal: isKilled ? dyingJournal : journal,
        log: quiet,
      });
      const write = { version: 0, at: new Date().toISOString(), exact: false };
      await reconciler.reconcile([workForModule(policies, 'd', 'm', write)], 'sweep');
    },
    rows: async () => brief(await world.history('d')),
  };
}

describe('a property that is removed again after a repair whose process was killed', () => {
  it('has two rows', async () => {
    const { patch, sweep, rows, processor, newEvents, history } = newDevice();
    patch({ mode: null });
    await sweep({ isKilled: true });
    patch({ mode: null });
    await sweep();
    const expected = [
      ['missingProperty', 'mode', 'enforced'],
      ['missingProperty', 'mode', 'enforced'],
    ];
    expect(await rows()).toEqual(expected);
    const events = newEvents();
    for (const batch of [events.toReversed(), events]) await processor.process(batch);
    expect((await history('d')).filter(({ path }) => path === 'mode')).toHaveLength(2);
  });

  it('has two rows, also when the repair set another property', async () => {
    const { patch, sweep, rows, registry } = newDevice();
    registry.patchTwin(module, { desired: { mode: null, s: { x: false } } }, '*');
    await sweep({ isKilled: true });
    patch({ mode: null });
    await sweep();
    const modes = (await rows()).filter(([, path]) => path === 'mode');
    expect(modes).toHaveLength(2);
  });
});

describe('a baseline whose repair was not recorded, because the process was killed', () => {
  const empty = { mode: null, s: null };

  it('has two rows when somebody removed it again', async () => {
    const { patch, sweep, rows, processor, newEvents, history } = newDevice();
    patch(empty);
    await sweep({ isKilled: true });
    patch(empty);
    await sweep();
    const twice = [1, 2].map(() => ['missingBaseline', '', 'enforced']);
    expect(await rows()).toEqual(twice);
    const events = newEvents();
    for (const batch of [events.toReversed(), events]) await processor.process(batch);
    expect((await history('d')).filter(({ kind }) => kind === 'missingBaseline')).toHaveLength(2);
  });

  it.each([
    ['another property', { note: 2 }],
    ['one of its properties, to the same value', { mode: 'High' }],
  ])('is enforced when somebody then wrote %s', async (_, write) => {
    const { patch, sweep, rows } = newDevice();
    patch(empty);
    await sweep({ isKilled: true });
    patch(write);
    await sweep();
    expect(await rows()).toEqual([['missingBaseline', '', 'enforced']]);
  });

  it('has one row when the process was killed before the repair', async () => {
    const { patch, sweep, rows, hub } = newDevice();
    patch(empty);
    const { patchDesired } = hub;
    hub.patchDesired = async () => {
      throw new Error('killed before the repair');
    };
    await sweep();
    hub.patchDesired = patchDesired;
    patch({ note: 2 });
    patch({ other: null });
    await sweep();
    expect(await rows()).toEqual([['missingBaseline', '', 'enforced']]);
  });
});

describe('a property that is removed once', () => {
  it.each([
    ['another property was written twice', [{ note: 2 }, { note: 3 }]],
    ['another property was written, and a third one removed', [{ note: 2 }, { other: null }]],
    ['another property was removed, and a third one written', [{ other: null }, { note: 2 }]],
  ])('has one row when %s', async (_, writes) => {
    const { patch, sweep, rows, hub } = newDevice();
    patch({ mode: null });
    const { patchDesired } = hub;
    hub.patchDesired = async () => {
      throw new Error('killed before the repair');
    };
    await sweep();
    hub.patchDesired = patchDesired;
    for (const write of writes) patch(write);
    await sweep();
    expect(await rows()).toEqual([['missingProperty', 'mode', 'enforced']]);
  });
});
