import {
  isDeviceId,
  isJsonObject,
  isTimestamp,
  type JsonObject,
  type Twin,
  type TwinSection,
  toSection,
  toTwin,
} from '../twin/index.ts';
import type { RawEvent } from './raw-event.ts';

/** What every event of ours says, whatever happened. */
interface Envelope {
  readonly deviceId: string;
  /** `''` when it is about the device itself. */
  readonly moduleId: string;
  /** When it happened in the hub, ISO 8601. */
  readonly operationTimestamp: string;
  readonly correlationId?: string;
}

/** `updateTwin`: only what changed, a removed property as `null`. */
export interface TwinUpdated extends Envelope {
  readonly type: 'twinUpdated';
  /** The twin's version after the change. 0 where it was not sent. */
  readonly version: number;
  readonly tags?: JsonObject;
  readonly desired?: TwinSection;
  readonly reported?: TwinSection;
}

/** `replaceTwin`: the whole twin after the change. */
export interface TwinReplaced extends Envelope {
  readonly type: 'twinReplaced';
  readonly twin: Twin;
}

/** `createDeviceIdentity` and `deleteDeviceIdentity`, for devices and modules alike, with the twin as it was at that moment. */
export interface IdentityChanged extends Envelope {
  readonly type: 'identityCreated' | 'identityDeleted';
  readonly twin: Twin;
}

/** An event that says that a device or a module has changed. */
export type HubEvent = TwinUpdated | TwinReplaced | IdentityChanged;

/** What an event turned out to be. */
export type DecodedEvent =
  | HubEvent
  /** Not for us, without fault: another message source on the same route. */
  | { readonly type: 'ignored'; readonly reason: string }
  /** For us, but nothing can be done with it. */
  | { readonly type: 'unusable'; readonly reason: string };

// The second forms stand in older documents of IoT Hub ("Non-telemetry event schemas").
const ourSources = new Set(['twinChangeEvents', 'deviceLifecycleEvents', 'moduleLifecycleEvents']);
const sourceOfSchema = new Map([
  ['twinChangeNotification', 'twinChangeEvents'],
  ['deviceLifecycleNotification', 'deviceLifecycleEvents'],
  ['moduleLifecycleNotification', 'moduleLifecycleEvents'],
]);
const typeOfOperation = new Map<string, HubEvent['type']>([
  ['updateTwin', 'twinUpdated'],
  ['replaceTwin', 'twinReplaced'],
  ['createDeviceIdentity', 'identityCreated'],
  ['createModuleIdentity', 'identityCreated'],
  ['deleteDeviceIdentity', 'identityDeleted'],
  ['deleteModuleIdentity', 'identityDeleted'],
]);

/**
 * Makes sense of one event from IoT Hub's `twinChangeEvents` and `deviceLifecycleEvents` routes. Never throws, whatever it is given.
 * The shapes are those of "React to IoT Hub events / non-telemetry event schemas": ids stand in the application properties and again
 * in the message annotations, and must agree; only the presence of a module id tells a module's lifecycle event from a device's.
 */
export function decodeEvent(event: RawEvent): DecodedEvent {
  const { properties, systemProperties, body } = event;
  const source =
    text(systemProperties, 'iothub-message-source') ??
    sourceOfSchema.get(text(properties, 'iothub-message-schema') ?? '') ??
    '';
  if (!ourSources.has(source)) {
    return { type: 'ignored', reason: `message source ${show(source)} is not one that Twinkeeper watches` };
  }
  const operation = text(properties, 'opType') ?? '';
  const type = typeOfOperation.get(operation);
  if (type === undefined) return unusable(`unknown opType ${show(operation)} from ${source}`);

  const device = agreed(properties, 'deviceId', systemProperties, 'iothub-connection-device-id');
  if ('reason' in device) return unusable(device.reason);
  if (device.id === undefined) return unusable('no deviceId, neither in the properties nor in the annotations');
  const module = agreed(properties, 'moduleId', systemProperties, 'iothub-connection-module-id');
  if ('reason' in module) return unusable(module.reason);

  const deviceId = device.id;
  const moduleId = module.id ?? '';
  if (!isJsonObject(body)) return unusable(notAnObject('the body', body));

  // A GUID where the hub made it.
  const correlationId = text(systemProperties, 'correlation-id')?.slice(0, 128);
  const envelope: Envelope = {
    deviceId,
    moduleId,
    operationTimestamp: timestamp(text(properties, 'operationTimestamp')) ?? timestamp(event.enqueuedTime) ?? epoch,
    ...(correlationId === undefined ? {} : { correlationId }),
  };
  if (type === 'twinUpdated') return decodeUpdate(envelope, body);
  const twin = toTwin(body, deviceId, moduleId);
  return twin === undefined ? unusable('the body is no twin') : { ...envelope, type, twin };
}

function decodeUpdate(envelope: Envelope, body: JsonObject): DecodedEvent {
  const { version, tags, properties = {} } = body;
  if (!isJsonObject(properties)) return unusable(notAnObject('properties', properties));
  const { desired, reported } = properties;
  const update: { -readonly [Key in keyof TwinUpdated]: TwinUpdated[Key] } = {
    ...envelope,
    type: 'twinUpdated',
    version: typeof version === 'number' ? version : 0,
  };
  // Set one by one: most updates hold one part, and spreading in the absent ones is what would take the time.
  if (tags !== undefined) {
    if (!isJsonObject(tags)) return unusable(notAnObject('tags', tags));
    update.tags = tags;
  }
  if (desired !== undefined) {
    if (!isJsonObject(desired)) return unusable(notAnObject('properties.desired', desired));
    update.desired = toSection(desired);
  }
  if (reported !== undefined) {
    if (!isJsonObject(reported)) return unusable(notAnObject('properties.reported', reported));
    update.reported = toSection(reported);
  }
  return update;
}

function notAnObject(name: string, value: unknown): string {
  return `${name} is ${describe(value)}, not a JSON object`;
}

const epoch = new Date(0).toISOString();

function unusable(reason: string): DecodedEvent {
  return { type: 'unusable', reason };
}

/** An id that stands in two places, either of which may be absent, but which must not differ. */
function agreed(
  properties: RawEvent['properties'],
  name: string,
  annotations: RawEvent['systemProperties'],
  annotation: string,
): { readonly id: string | undefined } | { readonly reason: string } {
  const inProperties = text(properties, name);
  const inAnnotations = text(annotations, annotation);
  if (inProperties !== undefined && inAnnotations !== undefined && inProperties !== inAnnotations) {
    return {
      reason: `${name} is ${show(inProperties)} in the properties but ${show(inAnnotations)} in the annotations`,
    };
  }
  const id = inProperties ?? inAnnotations;
  if (id !== undefined && !isDeviceId(id)) return { reason: `${name} ${show(id)} is no id that IoT Hub would give` };
  return { id };
}

/** A non-empty string property. AMQP strings can arrive as Buffers' JSON or numbers: those count as absent. */
function text(from: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The same moment in the hub's own spelling, or `undefined` when it is no ISO 8601 time. */
function timestamp(value: string | undefined): string | undefined {
  return value !== undefined && (hubTimestamp.test(value) || isTimestamp(value)) ? value : undefined;
}

/** How the hub writes a time. Known by its form alone: parsing one takes longer than anything else that is done for an event. */
const hubTimestamp =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?Z$/;

function describe(value: unknown): string {
  if (value === undefined || value === '') return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? `text that is not JSON (${show(value)})` : `a ${typeof value}`;
}

/** A value for a message: quoted, and short whatever was sent. */
function show(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
