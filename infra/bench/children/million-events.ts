/**
 * Processes some seconds of events of a large fleet, and sends the time that it took to the parent process. Few of the events concern the policy:
 * somebody has removed the configuration of a security agent.
 */
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import { systemClock } from '../../../shared/clock.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import { baselineOf, toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor } from '../../../shared/reconcile/index.ts';
import { createDeadLetters } from '../../../shared/retry/index.ts';
import type { HubEvent } from '../../local/hub/event-log.ts';
import { hubEvent } from '../../local/hub/hub-events.ts';
import { givenOptions, sendResult } from '../child-process.ts';
import { GeneratedHub } from '../million/generated-hub.ts';
import type { MillionEvents, MillionEventsOptions } from '../million/measure-apart.ts';
import { createSweepingApp } from '../sweeping-app.ts';
import { twinEvent } from '../twin-traffic.ts';

const { connectionString, devices, eventsPerSecond, partitions, seconds, relevantShare } =
  givenOptions<MillionEventsOptions>();

const [policy] = toPolicySet([azureiotsecurity], { mode: 'enforce' }).all;
if (policy === undefined) throw new Error('The policy set is empty.');
const { module: moduleId } = policy;
const [removedKey = ''] = Object.keys(baselineOf(policy));
const hub = new GeneratedHub({
  ...{ devices, moduleId, baseline: baselineOf(policy), tags: policy.moduleTags },
  ...{ budget: { tier: 'S3', units: 200, share: 1, messageShare: 1 }, clock: systemClock },
});
const storage = { connectionString };
const { reconciler } = createSweepingApp({
  ...{ hub: hub.lane('events'), storage, definitions: [azureiotsecurity] },
  ...{ concurrency: 1, clock: systemClock, onTrouble: console.error },
});
let deferred = 0;
const processor = new EventProcessor({
  reconciler,
  queue: { put: async () => void deferred++ },
  deadLetters: createDeadLetters(storage, () => new Date()),
  log: { info() {}, warn: console.error, error: console.error },
  retry: { firstDelay: 30, attempts: 10 },
});

const everyNth = Math.round(1 / relevantShare);
let written = 0;

/** The events of one second, in one batch for each partition. The modules that the relevant events are about are changed. */
function nextSecond(second: number): readonly (readonly RawEvent[])[] {
  const batches: RawEvent[][] = Array.from({ length: partitions }, () => []);
  for (let index = 0; index < eventsPerSecond; index++) {
    const number = second * eventsPerSecond + index;
    const event = number % everyNth === 0 ? removal() : twinEvent(number, devices);
    batches[index % partitions]?.push(toRawEvent(event));
  }
  return batches;
}

function removal(): HubEvent {
  const number = written++;
  hub.changeModule(number, { [removedKey]: null });
  const at = new Date().toISOString();
  const metadata = { $lastUpdated: at, $lastUpdatedVersion: 3 };
  const desired = { [removedKey]: null, $metadata: { ...metadata, [removedKey]: metadata }, $version: 3 };
  const target = { deviceId: GeneratedHub.deviceId(number), moduleId };
  return hubEvent('bench-hub', target, 'updateTwin', { version: 4, properties: { desired } }, Date.now());
}

function toRawEvent({ body, applicationProperties, annotations, correlationId }: HubEvent): RawEvent {
  return {
    body: JSON.parse(body.toString()),
    properties: applicationProperties,
    systemProperties: { ...annotations, 'correlation-id': correlationId },
  };
}

/** Processes the batches of one second at the same time, as one instance does that has all partitions. */
const processAll = (batches: readonly (readonly RawEvent[])[]) =>
  Promise.all(batches.map((events) => processor.process(events)));

// The first second loads code, and makes the tables.
await processAll(nextSecond(0));
let elapsed = 0;
let processorTime = 0;
for (let second = 1; second <= seconds; second++) {
  const batches = nextSecond(second);
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  await processAll(batches);
  const { user, system } = process.cpuUsage(cpu);
  elapsed += (performance.now() - from) / 1000;
  processorTime += (user + system) / 1e6;
}
sendResult({
  ...{ elapsed, processorTime, deferred, repaired: written - hub.changed },
  relevant: written,
} satisfies MillionEvents);
