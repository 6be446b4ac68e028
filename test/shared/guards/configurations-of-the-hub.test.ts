/** Tests with configurations and IoT Edge deployments that the local hub applies to twins, as IoT Hub does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { competingSettings, createGuardStore, createGuards } from '../../../shared/guards/index.ts';
import { definePolicy } from '../../../shared/policy/index.ts';
import { workForDevice } from '../../../shared/reconcile/index.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { newDeviceId, quiet, startWorld, type World } from '../../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

type HubConfiguration = Parameters<World['operator']['addConfiguration']>[0];
const minute = 60_000;
let policies = 0;

/** Creates a policy, and a reconciler with guards that use Azurite. The module of the policy is created by the operator. */
function guarded(
  agent = definePolicy({ name: `guarded-${++policies}`, module: `Agent${policies}`, desired: { mode: 'High' } }),
) {
  const clock = new MovableClock();
  const store = createGuardStore(world.storage, { clock });
  const guard = createGuards({
    store,
    limit: { type: 'count', count: 1_000_000 },
    overridesConfigurations: () => false,
    countDevices: async () => 10,
    clock,
    log: quiet,
  });
  const twinkeeper = world.withPolicies([agent], { guard });
  const { name, module = '', desired = {} } = agent;
  return {
    module,
    settle: () => twinkeeper.settle(),
    async addDevice(tags: object, iotEdge = false): Promise<string> {
      const deviceId = newDeviceId('configured');
      await world.operator.addDevices([{ deviceId, capabilities: { iotEdge } }] as never);
      await world.operator.updateTwin(deviceId, { tags }, '*');
      await world.operator.addModule({ deviceId, moduleId: module });
      await world.operator.updateModuleTwin(deviceId, module, { properties: { desired } } as never, '*');
      await twinkeeper.settle();
      return deviceId;
    },
    addConfiguration: (id: string, targetCondition: string, content: object) =>
      world.operator.addConfiguration({ id, targetCondition, content, priority: 1 } as unknown as HubConfiguration),
    /** Reads the configurations as a sweep does. */
    async readConfigurations() {
      const answer = await world.hubClient.listConfigurations();
      if (!answer.ok) throw new Error(answer.problem.message);
      await store.putCompeting(competingSettings(twinkeeper.reconciler.policies.all, answer.value));
      clock.pass(minute);
    },
    /** Reconciles the device as a sweep does. */
    sweep(deviceId: string) {
      const write = { version: 1, at: new Date().toISOString(), exact: false };
      return twinkeeper.reconciler.reconcile([workForDevice(twinkeeper.reconciler.policies, deviceId, write)], 'sweep');
    },
    /** The outcome, the reason and the writer of each row of the policy. */
    async rows(deviceId: string) {
      const rows = (await world.history(deviceId)).filter(
        (row) => (row.policy === name && row.path !== '') || row.kind === 'missingBaseline',
      );
      return rows.map(({ outcome, error, write }) => ({ outcome, error, by: write.by }));
    },
    desired: (deviceId: string) => world.desiredOf(deviceId, module),
  };
}

describe('a value that a configuration writes', () => {
  it('is left alone at once, and the row and the reason name the configuration', async () => {
    const { module, addDevice, addConfiguration, settle, rows, desired, readConfigurations, sweep } = guarded();
    const deviceId = await addDevice({ site: 'plant' });
    const condition = `FROM devices.modules WHERE moduleId = '${module}'`;
    await addConfiguration('tuning', condition, { moduleContent: { 'properties.desired.mode': 'Off' } });
    await settle();
    const held = {
      outcome: 'heldBack',
      error: expect.stringMatching(/^competingConfiguration: .* tuning /),
      by: 'tuning',
    };
    expect(await rows(deviceId)).toEqual([held]);
    expect(await desired(deviceId)).toEqual({ mode: 'Off' });

    const before = await world.history(deviceId);
    await readConfigurations();
    await sweep(deviceId);
    expect(await world.history(deviceId)).toEqual(before);

    await world.operator.removeConfiguration('tuning');
    await readConfigurations();
    await sweep(deviceId);
    expect(await rows(deviceId)).toEqual([{ outcome: 'enforced', error: undefined, by: 'tuning' }]);
    expect(await desired(deviceId)).toEqual({ mode: 'High' });
  });
});

describe('a value that an IoT Edge deployment sets', () => {
  it('is left alone on the IoT Edge devices that its condition on device tags selects', async () => {
    const { module, addDevice, addConfiguration, settle, rows, desired, readConfigurations, sweep } = guarded();
    const inPlant = await addDevice({ site: 'plant' }, true);
    const elsewhere = await addDevice({ site: 'office' }, true);
    const content = { modulesContent: { [module]: { 'properties.desired': { mode: 'Off' } } } };
    await addConfiguration('edge-onboarding', "tags.site = 'plant'", content);
    await readConfigurations();
    for (const deviceId of [inPlant, elsewhere]) {
      await world.operator.updateModuleTwin(deviceId, module, { properties: { desired: { mode: 'Low' } } }, '*');
    }
    await settle();
    for (const deviceId of [inPlant, elsewhere]) await sweep(deviceId);
    expect((await rows(inPlant)).at(-1)).toMatchObject({
      outcome: 'heldBack',
      error: expect.stringMatching(/^competingConfiguration: .* edge-onboarding /),
    });
    expect(await desired(inPlant)).toEqual({ mode: 'Low' });
    expect(await rows(elsewhere)).toEqual([{ outcome: 'enforced', error: undefined, by: undefined }]);
    expect(await desired(elsewhere)).toEqual({ mode: 'High' });
    await world.operator.removeConfiguration('edge-onboarding');
  });
});

describe('a module whose section an IoT Edge deployment empties', () => {
  /** The way to onboard devices that the vendor documents. */
  const emptied = { 'properties.desired': { 'ms_iotn:urn': {} } };

  it('is left alone, although the whole baseline is missing', async () => {
    const name = `emptied-${++policies}`;
    const desired = { 'ms_iotn:urn': { level: { value: 'High' }, size: { value: 5 } } };
    const agent = definePolicy({ name, module: `Agent${policies}`, desired });
    const { module, addDevice, addConfiguration, settle, readConfigurations, sweep, rows } = guarded(agent);
    const deviceId = await addDevice({ site: 'emptied' }, true);
    await addConfiguration(name, "tags.site = 'emptied'", { modulesContent: { [module]: emptied } });
    await settle();
    await sweep(deviceId);
    const held = { outcome: 'heldBack', error: expect.stringContaining(`configuration ${name} `), by: name };
    expect(await rows(deviceId)).toEqual([held]);
    await readConfigurations();
    await sweep(deviceId);
    expect(await rows(deviceId)).toEqual([held]);
    await world.operator.removeConfiguration(name);
    await readConfigurations();
    await sweep(deviceId);
    expect(await rows(deviceId)).toEqual([{ outcome: 'enforced', error: undefined, by: name }]);
    expect(await world.desiredOf(deviceId, module)).toEqual(desired);
  });
});
