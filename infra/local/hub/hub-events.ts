/** The events that the hub creates, as documented in "Azure IoT Hub non-telemetry event schemas". */
import { randomBytes } from 'node:crypto';
import { timestamp } from './clock.ts';
import type { HubEvent } from './event-log.ts';
import type { Target } from './ids.ts';
import type { JsonObject } from './json.ts';

/**
 * The name of the operation in an event. The events of devices and modules have the same names for creation and deletion. Only the event of
 * a module has a module id.
 */
export type OpType = 'updateTwin' | 'replaceTwin' | 'createDeviceIdentity' | 'deleteDeviceIdentity';

const messageSources = {
  updateTwin: ['twinChangeEvents', 'twinChangeNotification'],
  replaceTwin: ['twinChangeEvents', 'twinChangeNotification'],
  createDeviceIdentity: ['deviceLifecycleEvents', 'deviceLifecycleNotification'],
  deleteDeviceIdentity: ['deviceLifecycleEvents', 'deviceLifecycleNotification'],
} as const;

/** Creates the event for an operation on a device or module. `now` is the time of the operation in milliseconds since 1970. */
export function hubEvent(hubName: string, target: Target, opType: OpType, body: JsonObject, now: number): HubEvent {
  const [source, schema] = messageSources[opType];
  const { deviceId, moduleId } = target;
  return {
    deviceId,
    body: encode(body),
    correlationId: randomBytes(6).toString('hex').slice(0, 11),
    userId: hubName,
    applicationProperties: {
      hubName,
      deviceId,
      ...(moduleId === undefined ? {} : { moduleId }),
      operationTimestamp: timestamp(now),
      'iothub-message-schema': schema,
      opType,
    },
    annotations: {
      'iothub-connection-device-id': deviceId,
      ...(moduleId === undefined ? {} : { 'iothub-connection-module-id': moduleId }),
      'iothub-enqueuedtime': new Date(Math.floor(now)),
      'iothub-message-source': source,
    },
  };
}

// `Buffer.from` takes the memory of short texts from a shared pool. The log keeps every body, so the whole pool would stay in memory.
function encode(body: JsonObject): Buffer {
  const text = JSON.stringify(body);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
