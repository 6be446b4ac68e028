import { describe, expect, it } from 'vitest';
import { policies as builtIn } from '../../../infra/bench/fleet.ts';
import { toReceivedEvent, twinEvent } from '../../../infra/bench/twin-traffic.ts';
import { eventBatch } from '../../../infra/local/host/trigger-data.ts';
import { decodeEvent, type HubEvent } from '../../../shared/events/index.ts';
import { workFromEvents } from '../../../shared/reconcile/index.ts';

const numbers = Array.from({ length: 500 }, (_, number) => number);

/** The event with this number, as the app decodes it. */
function decoded(number: number): HubEvent {
  const { applicationProperties, annotations, body } = twinEvent(number);
  const event = decodeEvent({
    body: JSON.parse(body.toString()),
    properties: applicationProperties,
    systemProperties: annotations,
  });
  if (event.type === 'ignored' || event.type === 'unusable') throw new Error(event.reason);
  return event;
}

describe('the traffic of the benches', () => {
  it('concerns no built-in policy, so it causes no hub call', () => {
    for (const number of numbers) {
      const event = decoded(number);
      const work = workFromEvents(builtIn, event.deviceId, [event]);
      expect([event, work.modules.size, work.deletedAt]).toEqual([event, 0, undefined]);
    }
  });

  it('contains events of devices, of other modules and of the policies’ modules', () => {
    const modules = new Set(numbers.map((number) => decoded(number).moduleId));
    expect([...modules]).toEqual(expect.arrayContaining(['', 'telemetry', ...builtIn.all.map(({ module }) => module)]));
  });

  it('is the same in every run', () => {
    for (const number of numbers) {
      const { body, applicationProperties } = twinEvent(number);
      expect([twinEvent(number).body, twinEvent(number).applicationProperties]).toEqual([body, applicationProperties]);
    }
  });

  it('is spread over the given number of devices', () => {
    const devices = (fleet?: number) => new Set(numbers.map((number) => twinEvent(number, fleet).deviceId)).size;
    expect(devices()).toBe(numbers.length);
    expect(devices(10)).toBe(10);
  });

  it('can be passed to the trigger of the function host', () => {
    const events = numbers.slice(0, 3).map((number) => toReceivedEvent(twinEvent(number), number));
    const partition = { fullyQualifiedNamespace: 'n', eventHubName: 'e', consumerGroup: 'c', partitionId: '0' };
    const binding = { functionName: 'f', dataType: 'string', capabilities: { includeEmptyEntries: true } };
    const { value, metadata } = eventBatch(events, partition, true, binding);
    expect(value.collectionString?.string).toEqual(
      numbers.slice(0, 3).map((number) => twinEvent(number).body.toString()),
    );
    expect(JSON.parse(metadata.PropertiesArray?.json ?? '')).toMatchObject([{ opType: 'updateTwin' }, {}, {}]);
    expect(JSON.parse(metadata.SystemPropertiesArray?.json ?? '')).toMatchObject([
      { 'iothub-message-source': 'twinChangeEvents', 'iothub-connection-device-id': twinEvent(0).deviceId },
      {},
      {},
    ]);
  });
});
