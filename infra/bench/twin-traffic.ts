/**
 * Typical events of a compliant fleet. None of them concerns a policy: devices and modules report properties, operators configure other
 * modules, and operators set properties of security modules that no policy owns.
 */
import type { ReceivedEventData } from '@azure/event-hubs';
import type { HubEvent } from '../local/hub/event-log.ts';
import { hubEvent } from '../local/hub/hub-events.ts';
import type { Target } from '../local/hub/ids.ts';
import type { JsonObject } from '../local/hub/json.ts';

/** Time of the first event, in milliseconds since 1970. The time is fixed, so every run has the same events. */
const start = Date.UTC(2026, 0, 15, 8);

/**
 * The event with this number. The same number always gives the same event. Event n belongs to device n. After `fleet` events the devices
 * repeat.
 */
export function twinEvent(number: number, fleet = Number.POSITIVE_INFINITY): HubEvent {
  const now = start + number * 7;
  const device = number % fleet;
  const deviceId = `plant-${device % 17}-device-${String(device).padStart(6, '0')}`;
  const kind = kinds[number % kinds.length] ?? kinds[0];
  const { moduleId, body } = kind(number, new Date(now).toISOString());
  const target: Target = moduleId === undefined ? { deviceId } : { deviceId, moduleId };
  return hubEvent('bench-hub', target, 'updateTwin', { version: 4 + (number % 900), ...body }, now);
}

interface Change {
  readonly moduleId?: string;
  readonly body: JsonObject;
}

const kinds: readonly [
  (number: number, at: string) => Change,
  ...(readonly ((number: number, at: string) => Change)[]),
] = [
  deviceReports,
  moduleIsConfigured,
  edgeAgentReports,
  deviceIsTagged,
  unmanagedPropertiesOf('DefenderIotMicroAgent'),
  deviceReports,
  moduleReports,
  unmanagedPropertiesOf('azureiotsecurity'),
];

function deviceReports(number: number, at: string): Change {
  const reported = section(number, at, {
    firmware: { version: `4.${number % 12}.${number % 7}`, state: 'current', checksum: hex(number) },
    connectivity: { type: 'lte', signalStrength: -50 - (number % 60), cell: hex(number * 3) },
    battery: { level: number % 101, charging: number % 2 === 0 },
    location: { lat: 48 + (number % 1000) / 1000, lon: 11 + (number % 777) / 1000 },
  });
  return { body: { properties: { reported } } };
}

function moduleIsConfigured(number: number, at: string): Change {
  const desired = section(number, at, {
    sampling: { intervalSeconds: 5 + (number % 55), channels: ['temperature', 'pressure', 'vibration'] },
    upload: { endpoint: `https://ingest-${number % 4}.example.com/v2/telemetry`, batchSize: 50 + (number % 50) },
    alarms: { high: 80.5 + (number % 10), low: -10, enabled: true },
  });
  return { moduleId: 'telemetry', body: { properties: { desired } } };
}

function moduleReports(number: number, at: string): Change {
  const reported = section(number, at, {
    status: 'running',
    queueLength: number % 300,
    lastUpload: at,
    errors: number % 3 === 0 ? { count: 2, last: 'upload timed out after 30 s' } : { count: 0, last: '' },
  });
  return { moduleId: 'telemetry', body: { properties: { reported } } };
}

function edgeAgentReports(number: number, at: string): Change {
  const module = (name: string) => ({
    runtimeStatus: 'running',
    exitCode: 0,
    lastStartTimeUtc: at,
    restartCount: number % 5,
    settings: { image: `registry.example.com/${name}:1.${number % 20}`, imageHash: `sha256:${hex(number)}` },
    type: 'docker',
  });
  const reported = section(number, at, {
    lastDesiredVersion: number % 40,
    lastDesiredStatus: { code: 200, description: '' },
    modules: { telemetry: module('telemetry'), gateway: module('gateway') },
  });
  return { moduleId: '$edgeAgent', body: { properties: { reported } } };
}

function deviceIsTagged(number: number): Change {
  return {
    body: {
      tags: { site: { building: `B${number % 40}`, floor: number % 9 }, contact: `ops-${number % 25}@example.com` },
    },
  };
}

function unmanagedPropertiesOf(moduleId: string): (number: number, at: string) => Change {
  return (number, at) => {
    const desired = section(number, at, {
      SiteInventory: { asset: hex(number), rack: `R${number % 60}`, owner: `team-${number % 12}` },
      SiteContact: `ops-${number % 25}@example.com`,
    });
    return { moduleId, body: { properties: { desired } } };
  };
}

/**
 * The desired or reported properties in an event about a changed twin: the changed properties, the metadata at every level, and `$version`.
 */
function section(number: number, at: string, properties: JsonObject): JsonObject {
  const version = 2 + (number % 500);
  const metadata = (value: unknown): JsonObject => ({
    $lastUpdated: at,
    $lastUpdatedVersion: version,
    ...(typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, metadata(inner)]))
      : {}),
  });
  return { ...properties, $metadata: metadata(properties), $version: version };
}

/** 16 hexadecimal digits that are computed from the number. They look like a checksum. */
function hex(number: number): string {
  return (Math.imul(number, 2_654_435_761) >>> 0).toString(16).padStart(8, '0').repeat(2);
}

/** The event in the form in which a client of Event Hubs receives it. */
export function toReceivedEvent(event: HubEvent, sequenceNumber: number): ReceivedEventData {
  const enqueuedTimeUtc = new Date(start + sequenceNumber * 7 + 40);
  const messageAnnotations = {
    ...event.annotations,
    'x-opt-sequence-number': sequenceNumber,
    'x-opt-offset': String(sequenceNumber * 1024),
    'x-opt-enqueued-time': enqueuedTimeUtc,
    'x-opt-partition-key': event.deviceId,
  };
  return {
    body: event.body,
    enqueuedTimeUtc,
    partitionKey: event.deviceId,
    offset: String(sequenceNumber * 1024),
    sequenceNumber,
    systemProperties: {},
    getRawAmqpMessage: () => ({
      body: event.body,
      bodyType: 'data',
      applicationProperties: { ...event.applicationProperties },
      messageAnnotations,
      properties: {
        correlationId: event.correlationId,
        contentType: 'application/json',
        contentEncoding: 'utf-8',
      },
    }),
  };
}
