import { describe, expect, it } from 'vitest';
import { EventLog, type LoggedEvent } from '../../../../infra/local/hub/event-log.ts';
import { moduleTwins } from '../../../../infra/local/hub/registered-twin.ts';
import { maxModulesPerDevice, Registry } from '../../../../infra/local/hub/registry.ts';
import { bodyOf, eventsOf } from './hub-client.ts';

const at = Date.UTC(2026, 4, 6, 7, 8, 9) + 10.125;

function newRegistry() {
  const log = new EventLog();
  return { log, registry: new Registry({ hubName: 'test-hub', log, now: () => at }) };
}

/** The name of each event's operation. For the event of a module, the module id follows. */
function operationsOf(events: readonly LoggedEvent[]): readonly string[] {
  return events.map(({ applicationProperties: { opType, moduleId } }) => [opType, moduleId].filter(Boolean).join(' '));
}

describe('the events of the hub', () => {
  it('describe a created module as Azure documents it', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    registry.create({ deviceId: 'd', moduleId: 'm' }, {});
    const event = eventsOf(log, 'd')[1];
    expect(event).toMatchObject({
      deviceId: 'd',
      userId: 'test-hub',
      correlationId: expect.stringMatching(/^[0-9a-f]{11}$/),
      applicationProperties: {
        hubName: 'test-hub',
        deviceId: 'd',
        moduleId: 'm',
        operationTimestamp: '2026-05-06T07:08:09.0101250Z',
        'iothub-message-schema': 'deviceLifecycleNotification',
        opType: 'createDeviceIdentity',
      },
      annotations: {
        'iothub-connection-device-id': 'd',
        'iothub-connection-module-id': 'm',
        'iothub-enqueuedtime': new Date('2026-05-06T07:08:09.010Z'),
        'iothub-message-source': 'deviceLifecycleEvents',
      },
    });
    expect(bodyOf(event)).toEqual({
      deviceId: 'd',
      moduleId: 'm',
      etag: 'AAAAAAAAAAE=',
      version: 2,
      properties: {
        desired: { $metadata: { $lastUpdated: '0001-01-01T00:00:00Z' }, $version: 1 },
        reported: { $metadata: { $lastUpdated: '0001-01-01T00:00:00Z' }, $version: 1 },
      },
    });
  });

  it('have no module id for a device', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    const [event] = eventsOf(log, 'd');
    expect(Object.keys(event?.applicationProperties ?? {})).not.toContain('moduleId');
    expect(Object.keys(event?.annotations ?? {})).not.toContain('iothub-connection-module-id');
    expect(bodyOf(event)).not.toHaveProperty('moduleId');
  });

  it('describe a patch with the patched properties and the new version only', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {}, { desired: { kept: 1, gone: 2 } });
    registry.patchTwin({ deviceId: 'd' }, { tags: { t: 1 }, desired: { group: { a: 1 }, gone: null } }, undefined);
    const event = eventsOf(log, 'd')[1];
    expect(event?.applicationProperties).toMatchObject({
      opType: 'updateTwin',
      'iothub-message-schema': 'twinChangeNotification',
    });
    expect(event?.annotations).toMatchObject({ 'iothub-message-source': 'twinChangeEvents' });
    const stamp = { $lastUpdated: '2026-05-06T07:08:09.0101250Z', $lastUpdatedVersion: 2 };
    expect(bodyOf(event)).toEqual({
      version: 3,
      tags: { t: 1 },
      properties: {
        desired: {
          group: { a: 1 },
          gone: null,
          $metadata: { ...stamp, group: { ...stamp, a: stamp } },
          $version: 2,
        },
      },
    });
  });

  it('describe a replacement with the whole twin', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    registry.create({ deviceId: 'd', moduleId: 'm' }, {});
    registry.replaceTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { a: 1 } }, '*');
    const event = eventsOf(log, 'd')[2];
    expect(event?.applicationProperties).toMatchObject({ opType: 'replaceTwin', moduleId: 'm' });
    expect(bodyOf(event)).toMatchObject({
      deviceId: 'd',
      moduleId: 'm',
      etag: 'AAAAAAAAAAI=',
      version: 3,
      tags: {},
      properties: { desired: { a: 1, $version: 2 }, reported: { $version: 1 } },
    });
  });

  it('describe reported properties', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    registry.report({ deviceId: 'd' }, { state: 'success' });
    const body = bodyOf(eventsOf(log, 'd')[1]);
    expect(body).toMatchObject({ version: 3, properties: { reported: { state: 'success', $version: 2 } } });
    expect(body.properties).not.toHaveProperty('desired');
  });

  it('report a deleted device once, without its modules', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    registry.create({ deviceId: 'd', moduleId: 'm' }, {});
    registry.delete({ deviceId: 'd' }, undefined);
    expect(operationsOf(eventsOf(log, 'd')).slice(2)).toEqual(['deleteDeviceIdentity']);
    expect(() => registry.readTwin({ deviceId: 'd', moduleId: 'm' })).toThrow(/not registered/);
  });

  it('do not report refused operations', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    expect(() => registry.create({ deviceId: 'd' }, {})).toThrow();
    expect(() => registry.patchTwin({ deviceId: 'd' }, { desired: { a: 1 } }, { etag: 'another' })).toThrow();
    expect(() => registry.patchTwin({ deviceId: 'd' }, { tags: { a: 'x'.repeat(9000) } }, '*')).toThrow();
    expect(() => registry.create({ deviceId: 'x', moduleId: 'm' }, {})).toThrow();
    expect(eventsOf(log, 'd')).toHaveLength(1);
    expect(eventsOf(log, 'x')).toHaveLength(0);
  });
});

describe('the registry', () => {
  it('gives IoT Edge devices the two modules of the edge runtime, and other devices none', () => {
    const { log, registry } = newRegistry();
    registry.create({ deviceId: 'plain' }, {});
    registry.create({ deviceId: 'edge' }, { iotEdge: true });
    expect(registry.listModules('plain')).toEqual([]);
    expect(registry.listModules('edge').map(({ moduleId }) => moduleId)).toEqual(['$edgeAgent', '$edgeHub']);
    expect(operationsOf(eventsOf(log, 'edge'))).toEqual([
      'createDeviceIdentity',
      'createDeviceIdentity $edgeAgent',
      'createDeviceIdentity $edgeHub',
    ]);
    registry.update({ deviceId: 'edge' }, { iotEdge: false }, '*');
    registry.update({ deviceId: 'plain' }, { iotEdge: true }, '*');
    expect(registry.listModules('edge')).toEqual([]);
    expect(registry.listModules('plain')).toHaveLength(2);
  });

  it(`allows ${maxModulesPerDevice} modules on a device`, () => {
    const { registry } = newRegistry();
    registry.create({ deviceId: 'd' }, {});
    for (let i = 0; i < maxModulesPerDevice; i += 1) registry.create({ deviceId: 'd', moduleId: `m${i}` }, {});
    expect(() => registry.create({ deviceId: 'd', moduleId: 'one-more' }, {})).toThrow(
      /has 50 modules, the limit is 50/,
    );
    registry.delete({ deviceId: 'd', moduleId: 'm7' }, '*');
    expect(() => registry.create({ deviceId: 'd', moduleId: 'one-more' }, {})).not.toThrow();
  });

  it('keeps a device’s keys when an update has none', () => {
    const { registry } = newRegistry();
    const before = registry.create({ deviceId: 'd' }, {});
    const after = registry.update(
      { deviceId: 'd' },
      {
        status: 'disabled',
        authentication: { type: 'sas', keys: [undefined, undefined], thumbprints: [undefined, undefined] },
      },
      '*',
    );
    expect(after.authentication).toEqual(before.authentication);
    expect(after.etag).not.toBe(before.etag);
    expect(after.status).toBe('disabled');
  });

  it('continues a listing of module twins after other twins were registered and deleted', () => {
    const { registry } = newRegistry();
    for (const deviceId of ['a', 'b', 'c']) {
      registry.create({ deviceId }, {});
      for (const moduleId of ['1', '2', '3']) registry.create({ deviceId, moduleId }, {});
    }
    const seen: unknown[] = [];
    let cursor: readonly number[] = [];
    for (const twin of moduleTwins(registry.queryView)) {
      seen.push(`${twin.target.deviceId}${twin.target.moduleId}`);
      cursor = twin.cursor;
      if (seen.length === 5) break;
    }
    registry.delete({ deviceId: 'b', moduleId: '3' }, '*');
    registry.delete({ deviceId: 'b', moduleId: '2' }, '*');
    registry.create({ deviceId: 'b', moduleId: '4' }, {});
    for (const { target } of moduleTwins(registry.queryView, cursor)) seen.push(`${target.deviceId}${target.moduleId}`);
    expect(seen).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b4', 'c1', 'c2', 'c3']);
  });
});
