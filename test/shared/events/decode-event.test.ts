import { describe, expect, it } from 'vitest';
import { decodeEvent, type EventFault, type RawEvent } from '../../../shared/events/index.ts';
import { anyJson, deviceIds, fc, hostileEvents, rawEvent } from '../../support/arbitraries.ts';

const twin = { version: 3, tags: { t: 1 }, properties: { desired: { a: 1, $version: 2 }, reported: {} } };

/** A twin change event whose properties are replaced by the given properties. A property with the value `undefined` is removed. */
function withEnvelope(properties: object, systemProperties: object = {}, body: unknown = twin): RawEvent {
  const event = rawEvent('updateTwin', body, 'd', 'm');
  const without = (values: object) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return {
    body,
    properties: without({ ...event.properties, ...properties }),
    systemProperties: without({ ...event.systemProperties, ...systemProperties }),
  };
}

describe('an unusable event gives a reason', () => {
  it.each<[string, RawEvent, EventFault, string]>([
    ['without a body', rawEvent('updateTwin', undefined, 'd'), 'badBody', 'the body is missing, not a JSON object'],
    ['with a null body', rawEvent('updateTwin', null, 'd'), 'badBody', 'the body is null, not a JSON object'],
    ['with an empty body', rawEvent('updateTwin', '', 'd'), 'badBody', 'the body is missing, not a JSON object'],
    [
      'with a body that is not JSON',
      rawEvent('updateTwin', '{"version":', 'd'),
      'badBody',
      'the body is text that is not JSON ("{\\"version\\":"), not a JSON object',
    ],
    [
      'with an array for a body',
      rawEvent('updateTwin', [twin], 'd'),
      'badBody',
      'the body is an array, not a JSON object',
    ],
    [
      'with a number for a body',
      rawEvent('updateTwin', 2 ** 60, 'd'),
      'badBody',
      'the body is a number, not a JSON object',
    ],
    [
      'with bytes for a body',
      rawEvent('updateTwin', Buffer.from('x'), 'd'),
      'badBody',
      'the body is a object, not a JSON object',
    ],
    [
      'of an unknown opType',
      rawEvent('renameTwin', twin, 'd'),
      'unknownOperation',
      'unknown opType "renameTwin" from twinChangeEvents',
    ],
    [
      'without an opType',
      withEnvelope({ opType: undefined }),
      'unknownOperation',
      'unknown opType "" from twinChangeEvents',
    ],
    [
      'of an opType that every object inherits',
      rawEvent('constructor', twin, 'd'),
      'unknownOperation',
      'unknown opType "constructor"',
    ],
    [
      'without a deviceId',
      withEnvelope({ deviceId: undefined }, { 'iothub-connection-device-id': undefined }),
      'noDeviceId',
      'neither the properties nor the annotations have a deviceId',
    ],
    [
      'whose device ids differ',
      withEnvelope({ deviceId: 'other' }),
      'differentIds',
      'deviceId is "other" in the properties but "d" in the annotations',
    ],
    [
      'whose module ids differ',
      withEnvelope({ moduleId: 'other' }),
      'differentIds',
      'moduleId is "other" in the properties but "m" in the annotations',
    ],
    [
      'with an invalid id',
      rawEvent('updateTwin', twin, 'a/b'),
      'invalidId',
      'deviceId "a/b" is not a valid IoT Hub id',
    ],
    [
      'whose properties are an array',
      rawEvent('updateTwin', { properties: [] }, 'd'),
      'badBody',
      'properties is an array',
    ],
    [
      'whose desired properties are text',
      rawEvent('updateTwin', { properties: { desired: 'x' } }, 'd'),
      'badBody',
      'properties.desired is text',
    ],
    [
      'without properties and annotations',
      { body: twin, properties: {}, systemProperties: {} },
      'noProperties',
      'no application properties',
    ],
    ['whose tags are a number', rawEvent('updateTwin', { tags: 5 }, 'd'), 'badBody', 'tags is a number'],
  ])('%s', (_, event, fault, reason) => {
    expect(decodeEvent(event)).toEqual({ type: 'unusable', fault, reason: expect.stringContaining(reason) });
  });

  it('of limited length, even for a large body', () => {
    const decoded = decodeEvent(rawEvent('updateTwin', 'x'.repeat(1 << 20), 'd'));
    expect(decoded).toMatchObject({ type: 'unusable' });
    expect(JSON.stringify(decoded).length).toBeLessThan(300);
  });
});

describe('an event from another message source is ignored', () => {
  it.each([
    ['telemetry', 'Telemetry', 'x'],
    ['a device that connects', 'deviceConnectionStateEvents', 'deviceConnected'],
    ['a device that disconnects', 'deviceConnectionStateEvents', 'deviceDisconnected'],
    ['an unknown source', 'marsEvents', 'updateTwin'],
  ])('%s', (_, source, opType) => {
    const event = rawEvent(
      opType,
      { sequenceNumber: '000000000000000001D4132452F67CE20000000200000000' },
      'd',
      '',
      source,
    );
    expect(decodeEvent(event)).toEqual({
      type: 'ignored',
      reason: `Twinkeeper does not watch the message source "${source}"`,
    });
  });

  it('an event without a source and a schema', () => {
    expect(decodeEvent({ body: twin, properties: { n: 1 }, systemProperties: {} })).toMatchObject({ type: 'ignored' });
  });
});

describe('a usable event', () => {
  it.each([
    ['createDeviceIdentity', '', 'deviceLifecycleEvents', 'identityCreated'],
    ['createDeviceIdentity', 'm', 'deviceLifecycleEvents', 'identityCreated'],
    ['deleteDeviceIdentity', 'm', 'deviceLifecycleEvents', 'identityDeleted'],
    ['createModuleIdentity', 'm', 'moduleLifecycleEvents', 'identityCreated'],
    ['deleteModuleIdentity', 'm', 'moduleLifecycleEvents', 'identityDeleted'],
    ['replaceTwin', 'm', 'twinChangeEvents', 'twinReplaced'],
    ['updateTwin', '', 'twinChangeEvents', 'twinUpdated'],
  ])('of opType %s about module "%s" from %s is decoded as %s', (opType, moduleId, source, type) => {
    expect(decodeEvent(rawEvent(opType, twin, 'd', moduleId, source))).toMatchObject({
      type,
      deviceId: 'd',
      moduleId,
      operationTimestamp: '2026-01-02T03:04:05.1234567Z',
      correlationId: 'c0ffee',
    });
  });

  it.each([
    ['twinChangeNotification', 'updateTwin', 'twinUpdated'],
    ['deviceLifecycleNotification', 'createDeviceIdentity', 'identityCreated'],
    ['moduleLifecycleNotification', 'deleteModuleIdentity', 'identityDeleted'],
  ])('is recognised by its schema %s when it has no source', (schema, opType, type) => {
    const event = withEnvelope({ 'iothub-message-schema': schema, opType }, { 'iothub-message-source': undefined });
    expect(decodeEvent(event)).toMatchObject({ type });
  });

  it('may have its ids in the properties or in the annotations only', () => {
    expect(decodeEvent(withEnvelope({ deviceId: undefined, moduleId: undefined }))).toMatchObject({
      deviceId: 'd',
      moduleId: 'm',
    });
    const annotations = { 'iothub-connection-device-id': undefined, 'iothub-connection-module-id': undefined };
    expect(decodeEvent(withEnvelope({}, annotations))).toMatchObject({ deviceId: 'd', moduleId: 'm' });
  });

  it('has an empty twin when the body has no properties', () => {
    expect(decodeEvent(rawEvent('createDeviceIdentity', { deviceId: 'd' }, 'd'))).toMatchObject({
      twin: { tags: {}, desired: { properties: {} }, reported: { properties: {} } },
    });
    expect(decodeEvent(rawEvent('updateTwin', { version: 3 }, 'd'))).not.toHaveProperty('desired');
  });

  it('keeps unusual keys such as __proto__, and numbers beyond 2^53', () => {
    const text = '{"properties":{"desired":{"__proto__":{"polluted":1},"constructor":2,"a.b":3,"n":9007199254740995}}}';
    const decoded = decodeEvent(rawEvent('updateTwin', JSON.parse(text), 'd'));
    if (decoded.type !== 'twinUpdated') throw new Error(decoded.type);
    expect(JSON.stringify(decoded.desired?.properties)).toBe(
      '{"__proto__":{"polluted":1},"constructor":2,"a.b":3,"n":9007199254740996}',
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('holds a removed property as null', () => {
    const body = { version: 4, properties: { desired: { a: null, $version: 3 } } };
    expect(decodeEvent(rawEvent('updateTwin', body, 'd'))).toMatchObject({
      desired: { properties: { a: null }, version: 3 },
    });
  });

  it.each([
    ['yesterday', '2026-05-05T05:05:05Z', '2026-05-05T05:05:05Z'],
    [undefined, '2026-05-05T05:05:05.123Z', '2026-05-05T05:05:05.123Z'],
    ['2026-01-01', 'never', '1970-01-01T00:00:00.000Z'],
  ])(
    'with operationTimestamp %s and enqueued time %s gets the time %s',
    (operationTimestamp, enqueuedTime, expected) => {
      const event = { ...withEnvelope({ operationTimestamp }), enqueuedTime };
      expect(decodeEvent(event)).toMatchObject({ operationTimestamp: expected });
    },
  );

  it('may have any id that IoT Hub allows', () => {
    fc.assert(
      fc.property(deviceIds, deviceIds, (deviceId, moduleId) => {
        expect(decodeEvent(rawEvent('updateTwin', twin, deviceId, moduleId))).toMatchObject({ deviceId, moduleId });
      }),
    );
  });
});

describe('decoding an event', () => {
  it('never throws and never changes a prototype', () => {
    const envelopes = fc.dictionary(
      fc.constantFrom(
        'deviceId',
        'opType',
        'iothub-message-source',
        'iothub-message-schema',
        '__proto__',
        'constructor',
      ),
      anyJson,
    );
    const anyEvent = fc.record({ body: anyJson, properties: envelopes, systemProperties: envelopes });
    fc.assert(
      fc.property(fc.oneof(anyEvent, hostileEvents), (event) => {
        const { type } = decodeEvent(event);
        expect(['ignored', 'unusable', 'twinUpdated', 'twinReplaced', 'identityCreated', 'identityDeleted']).toContain(
          type,
        );
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
