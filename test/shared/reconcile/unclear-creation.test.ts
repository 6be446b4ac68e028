import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../infra/local/hub/fault.ts';
import { brief, newDeviceId, startWorld, type World } from '../../support/world.ts';
import { agent } from './settled-device.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

async function setFaults(faults: readonly Fault[]): Promise<void> {
  const answer = await fetch(`${world.hub.controlUrl}/faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
  expect(answer.ok).toBe(true);
}

describe('modules whose bulk call is not answered completely', () => {
  it.each(['unexplained', 'withoutTwin'] as const)('are read before a row says "created": %s', async (bulk) => {
    const devices = Array.from({ length: 4 }, () => newDeviceId());
    const twinkeeper = world.withPolicies([agent]);
    await world.operator.addDevices(devices.map((deviceId) => ({ deviceId })));
    const events = twinkeeper.newEvents();
    await setFaults([{ share: 1, caller: 'twinkeeper', kinds: [{ bulk }] }]);
    await twinkeeper.processor.process(events);
    await setFaults([]);
    for (const deviceId of devices) {
      for (const [kind, , outcome] of brief(await world.history(deviceId))) {
        if (kind !== 'missingModule' || outcome !== 'created') continue;
        expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High' });
      }
    }
    await twinkeeper.processor.process(events);
    await twinkeeper.settle();
    for (const deviceId of devices) {
      expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High', timeout: 100 });
      expect((await world.journal.read(deviceId)).open).toEqual([]);
      const missing = brief(await world.history(deviceId)).filter(([kind]) => kind === 'missingModule');
      expect(missing.map(([, , outcome]) => outcome)).toEqual([bulk === 'withoutTwin' ? 'healed' : 'created']);
    }
  });
});
