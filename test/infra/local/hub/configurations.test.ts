/** Tests of automatic configurations and IoT Edge deployments, which the hub applies to twins. */
import { describe, expect, it } from 'vitest';
import { addModule, bodyOf, createModule, eventsOf, newDeviceId, refusal, sharedHub } from './hub-client.ts';

const { hub } = await sharedHub();
type Configuration = Parameters<typeof hub.operator.addConfiguration>[0];

let count = 0;

/** Adds a configuration with a new id, and returns the id. */
async function configure(targetCondition: string, content: object, priority = 1): Promise<string> {
  count += 1;
  const id = `configuration-${count}`;
  await hub.operator.addConfiguration({ id, targetCondition, content, priority } as unknown as Configuration);
  return id;
}

const desiredOf = async (deviceId: string, moduleId: string) =>
  (await hub.operator.getModuleTwin(deviceId, moduleId)).responseBody.properties.desired as Record<string, unknown> & {
    readonly $metadata: Readonly<Record<string, unknown>>;
  };

const only = (deviceId: string) => `FROM devices.modules WHERE deviceId = '${deviceId}'`;

describe('an automatic module configuration', () => {
  it('sets its properties, and names itself in the metadata of what it wrote', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await hub.operator.updateModuleTwin(deviceId, moduleId, { properties: { desired: { kept: 1, x: { y: 1 } } } }, '*');
    const id = await configure(only(deviceId), { moduleContent: { 'properties.desired.x.z': 2 } });
    const { $metadata, ...desired } = await desiredOf(deviceId, moduleId);
    expect(desired).toEqual({ kept: 1, x: { y: 1, z: 2 }, $version: 3 });
    expect($metadata).toMatchObject({
      $lastUpdatedVersion: 3,
      kept: { $lastUpdatedVersion: 2 },
      x: {
        $lastUpdatedBy: id,
        $lastUpdatedByDigest: expect.any(String),
        y: { $lastUpdatedVersion: 2 },
        z: { $lastUpdatedVersion: 3, $lastUpdatedBy: id },
      },
    });
    for (const other of [$metadata, $metadata.kept]) expect(other).not.toHaveProperty('$lastUpdatedBy');
  });

  it('causes an event with the whole desired section, and with metadata only for what it wrote', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await hub.operator.updateModuleTwin(deviceId, moduleId, { properties: { desired: { kept: 1 } } }, '*');
    const id = await configure(only(deviceId), { moduleContent: { 'properties.desired.note': 'x' } });
    const event = eventsOf(hub.log, deviceId).at(-1);
    expect(event?.applicationProperties.opType).toBe('updateTwin');
    const stamp = { $lastUpdated: expect.any(String), $lastUpdatedVersion: 3 };
    expect(bodyOf(event)).toEqual({
      version: 4,
      properties: {
        desired: {
          kept: 1,
          note: 'x',
          $metadata: { ...stamp, note: { ...stamp, $lastUpdatedBy: id, $lastUpdatedByDigest: expect.any(String) } },
          $version: 3,
        },
      },
    });
  });

  it('is applied again every five minutes, and writes only what differs', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await configure(only(deviceId), { moduleContent: { 'properties.desired.x': 1 } });
    const applyNow = () => fetch(`${hub.controlUrl}/configurations`, { method: 'POST' });
    await applyNow();
    expect(await desiredOf(deviceId, moduleId)).toMatchObject({ x: 1, $version: 2 });
    await hub.operator.updateModuleTwin(deviceId, moduleId, { properties: { desired: { x: 2 } } }, '*');
    expect((await desiredOf(deviceId, moduleId)).$metadata.x).not.toHaveProperty('$lastUpdatedBy');
    await applyNow();
    expect(await desiredOf(deviceId, moduleId)).toMatchObject({ x: 1, $version: 4 });
  });

  it('with a higher priority wins, whichever was created first', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    const high = await configure(only(deviceId), { moduleContent: { 'properties.desired.x': 'high' } }, 9);
    await configure(only(deviceId), { moduleContent: { 'properties.desired': { x: 'low', y: 'low' } } }, 2);
    expect(await desiredOf(deviceId, moduleId)).toMatchObject({
      x: 'high',
      y: 'low',
      $metadata: { x: { $lastUpdatedBy: high } },
    });
  });

  it('with a malformed condition is refused', async () => {
    const error = await refusal(configure('FROM modules', { moduleContent: {} }));
    expect(error.response.statusCode).toBe(400);
  });
});

describe('a configuration of devices', () => {
  it('is applied to the device twins that it targets', async () => {
    const deviceId = newDeviceId();
    await hub.operator.create({ deviceId });
    await hub.operator.updateTwin(deviceId, { tags: { plant: deviceId } }, '*');
    await configure(`tags.plant = '${deviceId}'`, { deviceContent: { 'properties.desired.x': 1 } });
    expect((await hub.operator.getTwin(deviceId)).responseBody.properties.desired).toMatchObject({ x: 1 });
  });
});

describe('an IoT Edge deployment', () => {
  it('replaces the desired section of its modules, on the Edge devices that it targets', async () => {
    const [edge, other] = [newDeviceId(), newDeviceId()];
    for (const deviceId of [edge, other]) {
      await hub.operator.create({ deviceId, capabilities: { iotEdge: deviceId === edge } });
      await hub.operator.updateTwin(deviceId, { tags: { plant: edge } }, '*');
      await addModule(hub, deviceId, 'agent');
      await hub.operator.updateModuleTwin(deviceId, 'agent', { properties: { desired: { old: 1 } } }, '*');
    }
    const id = await configure(`tags.plant = '${edge}'`, {
      modulesContent: {
        $edgeAgent: { 'properties.desired': { schemaVersion: '1.1' } },
        agent: { 'properties.desired': { section: {} } },
        notThere: { 'properties.desired': { a: 1 } },
      },
    });
    const { $metadata, ...desired } = await desiredOf(edge, 'agent');
    expect(desired).toEqual({ section: {}, $version: 3 });
    expect($metadata.section).toMatchObject({ $lastUpdatedBy: id });
    expect(await desiredOf(edge, '$edgeAgent')).toMatchObject({ schemaVersion: '1.1' });
    expect(await desiredOf(other, 'agent')).toMatchObject({ old: 1, $version: 2 });
    await fetch(`${hub.controlUrl}/configurations`, { method: 'POST' });
    expect(await desiredOf(edge, 'agent')).toMatchObject({ $version: 3 });
  });
});
