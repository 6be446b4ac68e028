import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriftRow } from '../../../shared/drift/index.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import { contestedGuard } from '../../../shared/guards/contested.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { startWorld, type World } from '../../support/world.ts';
import { agent, settledDevice } from './settled-device.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** A device whose property `mode` Twinkeeper has enforced five times. `rows` returns the rows since then, oldest first. */
async function contestedDevice() {
  const device = await settledDevice(world);
  const clock = { now: () => new Date(), sleep: async () => {} };
  const guard = contestedGuard({ store: createGuardStore(world.storage), clock });
  const twinkeeper = world.withPolicies([agent], { guard });
  for (let time = 1; time <= 5; time++) {
    await device.patch({ mode: `repaired ${time}` });
    await twinkeeper.settle();
  }
  const before = (await world.history(device.deviceId)).length;
  expect(before).toBe(device.created + 5);
  return { ...device, twinkeeper, rows: async () => (await world.history(device.deviceId)).slice(before) };
}

const brief = ({ outcome, actual, lastActual, times }: DriftRow) => ({ outcome, actual, lastActual, times });

describe('a contested property that somebody keeps changing', () => {
  it('has one row, which counts the wrong writes', async () => {
    const { deviceId, twinkeeper, patch, rows } = await contestedDevice();
    const delivered: RawEvent[] = [];
    for (let batch = 0; batch < 4; batch++) {
      for (let number = 1; number <= 5; number++) await patch({ mode: `wrong ${5 * batch + number}` });
      if (batch === 2) await patch({ mode: 'Low' });
      const events = twinkeeper.newEvents();
      delivered.push(...events);
      await twinkeeper.processor.process(events);
    }
    expect((await rows()).map(brief)).toEqual([
      { outcome: 'heldBack', actual: 'wrong 1', lastActual: 'wrong 20', times: 20 },
    ]);

    const stored = await rows();
    await twinkeeper.processor.process(delivered);
    await twinkeeper.processor.process(delivered.toReversed());
    expect(await rows()).toEqual(stored);
    expect((await world.journal.read(deviceId)).open).toEqual(stored);
    expect(twinkeeper.deferred).toEqual([]);
  });

  it('is repaired whole after a release, although the row keeps the first value', async () => {
    const { deviceId, twinkeeper, patch, rows } = await contestedDevice();
    for (const mode of ['a', { b: 1, c: { d: 2 } }]) {
      await patch({ mode });
      await twinkeeper.settle();
    }
    expect((await rows()).map(brief)).toEqual([
      { outcome: 'heldBack', actual: 'a', lastActual: { b: 1, c: { d: 2 } }, times: 2 },
    ]);
    await createGuardStore(world.storage).release('agent');
    await patch({ other: 1, mode: { e: 1 } });
    await twinkeeper.settle();
    expect((await rows()).map(brief)).toMatchObject([{ outcome: 'enforced', actual: 'a', times: 3 }]);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High' });
  });
});
