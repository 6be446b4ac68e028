import { absent, between, byDefault, definePolicy, oneOf } from '../../../shared/policy/index.ts';
import { newDeviceId, type World } from '../../support/world.ts';

export const agent = definePolicy({
  name: 'agent',
  module: 'Agent',
  createModule: true,
  desired: {
    mode: oneOf(['High', 'Low'], { otherwise: 'High' }),
    timeout: between(60, 120, { otherwise: 100 }),
    section: { deep: { value: true }, interval: byDefault('PT1H') },
    legacy: absent(),
  },
});

/** Creates a device, and processes all events until Twinkeeper has created the modules of the device. */
export async function settledDevice(world: World, definitions = [agent]) {
  const deviceId = newDeviceId();
  const twinkeeper = world.withPolicies(definitions);
  await world.operator.create({ deviceId });
  await twinkeeper.settle();
  return {
    deviceId,
    twinkeeper,
    /** Writes desired properties as an operator does. Does not process the events of the write. */
    patch: (desired: unknown) => world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*'),
    /** Number of history rows after the modules were created. */
    created: (await world.history(deviceId)).length,
  };
}
