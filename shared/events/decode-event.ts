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

/** The fields that all decoded events share. */
interface Envelope {
  readonly deviceId: string;
  /** The module id. `''` when the event is about the device itself. */
  readonly moduleId: string;
  /** Time of the change in the hub, ISO 8601. */
  readonly operationTimestamp: string;
  readonly correlationId?: string;
}

/** `updateTwin`: the changed properties only. A removed property is `null`. */
export interface TwinUpdated extends Envelope {
  readonly type: 'twinUpdated';
  /** The twin's version after the change. 0 when IoT Hub did not send it. */
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

/** A device or module was created or deleted. `twin` is its twin at that time. */
export interface IdentityChanged extends Envelope {
  readonly type: 'identityCreated' | 'identityDeleted';
  readonly twin: Twin;
}

/** A change of a device, a module or a twin. */
export type HubEvent = TwinUpdated | TwinReplaced | IdentityChanged;

/** The result of decoding one event. */
export type DecodedEvent =
  | HubEvent
  /** A valid event from a message source that Twinkeeper does not watch, such as telemetry. */
  | { readonly type: 'ignored'; readonly reason: string }
  /** An event from a watched message source with missing or contradictory content. */
  | { readonly type: 'unusable'; readonly reason: string };

const watchedSources = new Set(['twinChangeEvents', 'deviceLifecycleEvents', 'moduleLifecycleEvents']);
// Older IoT Hub documentation names a message schema in place of the message source ("Non-telemetry event schemas").
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
 * Decodes one event from IoT Hub's `twinChangeEvents` and lifecycle routes. Never throws.
 *
 * The device id and module id appear in the application properties and again in the message annotations. An event whose ids
 * differ is unusable. An event with a module id is about a module, any other event is about the device. Source: "React to IoT Hub
 * events", "Non-telemetry event schemas".
 */
export function decodeEvent(event: RawEvent): DecodedEvent {
  const { properties, systemProperties, body } = event;
  const source =
    text(systemProperties, 'iothub-message-source') ??
    sourceOfSchema.get(text(properties, 'iothub-message-schema') ?? '') ??
    '';
  if (!watchedSources.has(source)) {
    return { type: 'ignored', reason: `Twinkeeper does not watch the message source ${show(source)}` };
  }
  const operation = text(properties, 'opType') ?? '';
  const type = typeOfOperation.get(operation);
  if (type === undefined) return unusable(`unknown opType ${show(operation)} from ${source}`);

  const device = readId(properties, 'deviceId', systemProperties, 'iothub-connection-device-id');
  if ('reason' in device) return unusable(device.reason);
  if (device.id === undefined) return unusable('neither the properties nor the annotations have a deviceId');
  const module = readId(properties, 'moduleId', systemProperties, 'iothub-connection-module-id');
  if ('reason' in module) return unusable(module.reason);

  const deviceId = device.id;
  const moduleId = module.id ?? '';
  if (!isJsonObject(body)) return unusable(notAnObject('the body', body));

  // IoT Hub sends a GUID. Any longer correlation id is cut to 128 characters.
  const correlationId = text(systemProperties, 'correlation-id')?.slice(0, 128);
  const envelope: Envelope = {
    deviceId,
    moduleId,
    operationTimestamp: timestamp(text(properties, 'operationTimestamp')) ?? timestamp(event.enqueuedTime) ?? epoch,
    ...(correlationId === undefined ? {} : { correlationId }),
  };
  if (type === 'twinUpdated') return decodeUpdate(envelope, body);
  const twin = toTwin(body, deviceId, moduleId);
  return twin === undefined ? unusable('the body is not a twin') : { ...envelope, type, twin };
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
  // Most updates have one section only. Assigning it is faster than spreading three optional ones.
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

/** Reads an id from the properties or the annotations. Gives a reason when the two differ or the id is invalid. */
function readId(
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
  if (id !== undefined && !isDeviceId(id)) return { reason: `${name} ${show(id)} is not a valid IoT Hub id` };
  return { id };
}

/** A non-empty string property. AMQP can deliver other types, such as a number or the JSON of a Buffer: they count as absent. */
function text(from: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The value itself when it is an ISO 8601 time, else `undefined`. */
function timestamp(value: string | undefined): string | undefined {
  return value !== undefined && (hubTimestamp.test(value) || isTimestamp(value)) ? value : undefined;
}

/** The form in which the hub writes a time. Matching the form avoids `Date.parse`, the slowest step of decoding an event. */
const hubTimestamp =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?Z$/;

function describe(value: unknown): string {
  if (value === undefined || value === '') return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? `text that is not JSON (${show(value)})` : `a ${typeof value}`;
}

/** The value in quotes, cut to 80 characters, for a message. */
function show(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
