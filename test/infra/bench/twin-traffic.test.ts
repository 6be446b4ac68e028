import { describe, expect, it } from 'vitest';
import { policies } from '../../../functions/policies/index.ts';
import { received, twinEvent } from '../../../infra/bench/twin-traffic.ts';
import { eventBatch } from '../../../infra/local/host/trigger-data.ts';
import { decodeEvent, type HubEvent } from '../../../shared/events/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { workFromEvents } from '../../../shared/reconcile/index.ts';

const numbers = Array.from({ length: 500 }, (_, number) => number);

/** The event with this number as the app sees it. */
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
  it('asks nothing of the built-in policies, so that it costs no hub call', () => {
    const set = toPolicySet(policies, { mode: 'enforce' });
    for (const number of numbers) {
      const event = decoded(number);
      const work = workFromEvents(set, event.deviceId, [event]);
      expect([event, work.modules.size, work.deletedAt]).toEqual([event, 0, undefined]);
    }
  });

  it('is about devices, modules of others, and the modules that policies are about', () => {
    const modules = new Set(numbers.map((number) => decoded(number).moduleId));
    expect([...modules]).toEqual(expect.arrayContaining(['', 'telemetry', ...policies.map(({ module }) => module)]));
  });

  it('is the same at every run', () => {
    for (const number of numbers) {
      const { body, applicationProperties } = twinEvent(number);
      expect([twinEvent(number).body, twinEvent(number).applicationProperties]).toEqual([body, applicationProperties]);
    }
  });

  it('is about as many devices as it is told', () => {
    const devices = (fleet?: number) => new Set(numbers.map((number) => twinEvent(number, fleet).deviceId)).size;
    expect(devices()).toBe(numbers.length);
    expect(devices(10)).toBe(10);
  });

  it('reaches the trigger as the function host would hand it over', () => {
    const events = numbers.slice(0, 3).map((number) => received(twinEvent(number), number));
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
