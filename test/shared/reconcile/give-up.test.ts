import { describe, expect, it } from 'vitest';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler } from '../../../shared/reconcile/index.ts';
import { quiet } from '../../support/world.ts';
import { agent, newWorld } from './memory-world.ts';

/**
 * A device with one row whose repair waits for a retry. `conflicts` is the number of writes of the journal that fail because of another
 * process.
 */
async function deferredDevice(conflicts: number) {
  const { registry, processor, trouble, newEvents, hub, journal, history } = newWorld();
  registry.create({ deviceId: 'd' }, {});
  trouble.problem = { type: 'transient', message: 'no answer' };
  await processor.process(newEvents());
  let left = conflicts;
  const contested: typeof journal = {
    ...journal,
    write: async (...args) => (left-- > 0 ? 'conflict' : journal.write(...args)),
  };
  const policies = toPolicySet([agent], { mode: 'enforce' });
  const reconciler = new Reconciler({ policies, hub, journal: contested, log: quiet });
  return { reconciler, history };
}

describe('a device that is given up', () => {
  it('has failed rows, also when another process writes rows several times in between', async () => {
    const { reconciler, history } = await deferredDevice(5);
    expect(await reconciler.giveUp('d', 'all tries failed')).toBe(1);
    expect(await history('d')).toMatchObject([{ outcome: 'failed', error: 'all tries failed' }]);
  });

  it('causes an error when the rows cannot be written', async () => {
    const { reconciler } = await deferredDevice(1000);
    await expect(reconciler.giveUp('d', 'all tries failed')).rejects.toThrow('The rows of d were changed');
  });
});
