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

/** The fields that every decoded event of a device, a module or a twin has. */
interface Envelope {
  readonly deviceId: string;
  /** The module id. `''` when the event is about the device itself and not about one of its modules. */
  readonly moduleId: string;
  /**
   * Time at which the hub changed the device, the module or the twin, ISO 8601. When the event has no valid time, the time at which the
   * event hub received the event. When that is missing too, the start of 1970.
   */
  readonly operationTimestamp: string;
  readonly correlationId?: string;
}

/** A decoded `updateTwin` event. It has only the changed tags and properties. A removed property has the value `null`. */
export interface TwinUpdated extends Envelope {
  readonly type: 'twinUpdated';
  /** The version of the twin after the change. 0 when IoT Hub did not send it. */
  readonly version: number;
  readonly tags?: JsonObject;
  readonly desired?: TwinSection;
  readonly reported?: TwinSection;
}

/** A decoded `replaceTwin` event. It has the whole twin after the change. */
export interface TwinReplaced extends Envelope {
  readonly type: 'twinReplaced';
  readonly twin: Twin;
}

/** A decoded event for a device or module that was created or deleted. `twin` is the twin of that device or module at that time. */
export interface IdentityChanged extends Envelope {
  readonly type: 'identityCreated' | 'identityDeleted';
  readonly twin: Twin;
}

/** A decoded event that reports a change of a device, a module or a twin. */
export type HubEvent = TwinUpdated | TwinReplaced | IdentityChanged;

/** The result of decoding one event from IoT Hub. */
export type DecodedEvent =
  | HubEvent
  /** An event that Twinkeeper does not need, because of its message source. Example: telemetry. */
  | { readonly type: 'ignored'; readonly reason: string }
  /** An event from a message source that Twinkeeper needs, but with missing or contradictory content. */
  | { readonly type: 'unusable'; readonly fault: EventFault; readonly reason: string };

/** What is wrong with an unusable event. The list is fixed, so that a sender cannot invent new faults. A reason quotes the sender's text. */
export type EventFault =
  /** The event has no application properties and no annotations of IoT Hub. The event hub binding or the route is broken. */
  | 'noProperties'
  | 'unknownOperation'
  | 'noDeviceId'
  /** The properties and the annotations name different devices or modules. */
  | 'differentIds'
  | 'invalidId'
  | 'badBody'
  /** The event could be decoded, but an error occurred when Twinkeeper compared the event with the policies. */
  | 'unprocessable';

const watchedSources = new Set(['twinChangeEvents', 'deviceLifecycleEvents', 'moduleLifecycleEvents']);
// Older documentation of IoT Hub describes events with a message schema instead of a message source ("Non-telemetry event schemas").
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
 * Decodes one event from the routes of IoT Hub for `twinChangeEvents`, `deviceLifecycleEvents` and `moduleLifecycleEvents`. Never throws.
 *
 * The device id and the module id are in the application properties of the event and again in its message annotations. When the two
 * differ, the event is unusable. An event with a module id is about that module. An event without a module id is about the device. Source:
 * "React to IoT Hub events", "Non-telemetry event schemas".
 */
export function decodeEvent(event: RawEvent): DecodedEvent {
  const { properties, systemProperties, body } = event;
  const source =
    text(systemProperties, 'iothub-message-source') ??
    sourceOfSchema.get(text(properties, 'iothub-message-schema') ?? '') ??
    '';
  if (isBare(event)) {
    return unusable('noProperties', 'the event has no application properties and no annotations of IoT Hub');
  }
  if (!watchedSources.has(source)) {
    return { type: 'ignored', reason: `Twinkeeper does not watch the message source ${show(source)}` };
  }
  const operation = text(properties, 'opType') ?? '';
  const type = typeOfOperation.get(operation);
  if (type === undefined) return unusable('unknownOperation', `unknown opType ${show(operation)} from ${source}`);

  const device = readId(properties, 'deviceId', systemProperties, 'iothub-connection-device-id');
  if ('reason' in device) return unusable(device.fault, device.reason);
  if (device.id === undefined)
    return unusable('noDeviceId', 'neither the properties nor the annotations have a deviceId');
  const module = readId(properties, 'moduleId', systemProperties, 'iothub-connection-module-id');
  if ('reason' in module) return unusable(module.fault, module.reason);

  const deviceId = device.id;
  const moduleId = module.id ?? '';
  if (!isJsonObject(body)) return unusable('badBody', notAnObject('the body', body));

  // IoT Hub sends a GUID as the correlation id. A correlation id that is longer than 128 characters is cut.
  const correlationId = text(systemProperties, 'correlation-id')?.slice(0, 128);
  const envelope: Envelope = {
    deviceId,
    moduleId,
    operationTimestamp: timestamp(text(properties, 'operationTimestamp')) ?? timestamp(event.enqueuedTime) ?? epoch,
    ...(correlationId === undefined ? {} : { correlationId }),
  };
  if (type === 'twinUpdated') return decodeUpdate(envelope, body);
  const twin = toTwin(body, deviceId, moduleId);
  return twin === undefined ? unusable('badBody', 'the body is not a twin') : { ...envelope, type, twin };
}

function decodeUpdate(envelope: Envelope, body: JsonObject): DecodedEvent {
  const { version, tags, properties = {} } = body;
  if (!isJsonObject(properties)) return unusable('badBody', notAnObject('properties', properties));
  const { desired, reported } = properties;
  const update: { -readonly [Key in keyof TwinUpdated]: TwinUpdated[Key] } = {
    ...envelope,
    type: 'twinUpdated',
    version: typeof version === 'number' ? version : 0,
  };
  // Most events change only one of tags, desired and reported. Assigning one field is faster than spreading three optional objects.
  if (tags !== undefined) {
    if (!isJsonObject(tags)) return unusable('badBody', notAnObject('tags', tags));
    update.tags = tags;
  }
  if (desired !== undefined) {
    if (!isJsonObject(desired)) return unusable('badBody', notAnObject('properties.desired', desired));
    update.desired = toSection(desired);
  }
  if (reported !== undefined) {
    if (!isJsonObject(reported)) return unusable('badBody', notAnObject('properties.reported', reported));
    update.reported = toSection(reported);
  }
  return update;
}

function notAnObject(name: string, value: unknown): string {
  return `${name} is ${describe(value)}, not a JSON object`;
}

const epoch = new Date(0).toISOString();

function unusable(fault: EventFault, reason: string): DecodedEvent {
  return { type: 'unusable', fault, reason };
}

/**
 * Whether an event has nothing that IoT Hub adds to each of its events. Annotations with other names do not count, because the event hub
 * adds some to every event.
 */
function isBare({ properties, systemProperties }: RawEvent): boolean {
  return (
    Object.keys(properties).length === 0 && !Object.keys(systemProperties).some((name) => name.startsWith('iothub-'))
  );
}

/**
 * Reads a device id or a module id from the application properties, or else from the message annotations. Returns a reason when the two
 * ids differ or the id is invalid. `id` is `undefined` when neither has it.
 */
function readId(
  properties: RawEvent['properties'],
  name: string,
  annotations: RawEvent['systemProperties'],
  annotation: string,
): { readonly id: string | undefined } | { readonly fault: EventFault; readonly reason: string } {
  const inProperties = text(properties, name);
  const inAnnotations = text(annotations, annotation);
  if (inProperties !== undefined && inAnnotations !== undefined && inProperties !== inAnnotations) {
    return {
      fault: 'differentIds',
      reason: `${name} is ${show(inProperties)} in the properties but ${show(inAnnotations)} in the annotations`,
    };
  }
  const id = inProperties ?? inAnnotations;
  if (id !== undefined && !isDeviceId(id))
    return { fault: 'invalidId', reason: `${name} ${show(id)} is not a valid IoT Hub id` };
  return { id };
}

/** Reads a property that is a non-empty string. Any other value counts as missing. AMQP can deliver other types, such as a number. */
function text(from: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns the text when it is an ISO 8601 time, and otherwise `undefined`. */
function timestamp(value: string | undefined): string | undefined {
  return value !== undefined && (hubTimestamp.test(value) || isTimestamp(value)) ? value : undefined;
}

/**
 * The usual form of a time from IoT Hub. A time that matches needs no `Date.parse`, which would be the slowest step of decoding an event.
 */
const hubTimestamp =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?Z$/;

function describe(value: unknown): string {
  if (value === undefined || value === '') return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? `text that is not JSON (${show(value)})` : `a ${typeof value}`;
}

/** The text in quotes and cut to 80 characters, for an error message. */
function show(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
