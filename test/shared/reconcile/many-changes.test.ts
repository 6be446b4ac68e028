import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../../support/world.ts';
import { settledDevice } from './settled-device.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

it('150 wrong writes of one property in one batch of events are 150 rows, and nothing is deferred', async () => {
  const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
  for (let number = 1; number <= 150; number++) await patch({ mode: `wrong ${number}` });
  const events = twinkeeper.newEvents();
  expect(await twinkeeper.processor.process(events)).toMatchObject({ events: 150, deferred: 0 });
  await twinkeeper.settle();
  const rows = (await world.history(deviceId)).slice(created);
  expect(rows.map(({ actual, outcome }) => [actual, outcome])).toEqual([
    ...Array.from({ length: 149 }, (_, index) => [`wrong ${index + 1}`, 'superseded']),
    ['wrong 150', 'enforced'],
  ]);
  await twinkeeper.processor.process(events);
  expect((await world.history(deviceId)).slice(created)).toEqual(rows);
  expect((await world.journal.read(deviceId)).open).toEqual([]);
});
