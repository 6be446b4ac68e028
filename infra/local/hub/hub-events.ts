/** The events that the hub emits, in the form of "Azure IoT Hub non-telemetry event schemas". */
import { randomBytes } from 'node:crypto';
import { timestamp } from './clock.ts';
import type { HubEvent } from './event-log.ts';
import type { Target } from './ids.ts';
import type { JsonObject } from './json.ts';

/** What happened to a device or module. Azure uses the same two lifecycle names for both; only a module's id tells them apart. */
export type OpType = 'updateTwin' | 'replaceTwin' | 'createDeviceIdentity' | 'deleteDeviceIdentity';

const SOURCES = {
  updateTwin: ['twinChangeEvents', 'twinChangeNotification'],
  replaceTwin: ['twinChangeEvents', 'twinChangeNotification'],
  createDeviceIdentity: ['deviceLifecycleEvents', 'deviceLifecycleNotification'],
  deleteDeviceIdentity: ['deviceLifecycleEvents', 'deviceLifecycleNotification'],
} as const;

/** The event for what was done at `now` (milliseconds since 1970) to this target. */
export function hubEvent(hubName: string, target: Target, opType: OpType, body: JsonObject, now: number): HubEvent {
  const [source, schema] = SOURCES[opType];
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

// `Buffer.from` would cut short texts from a shared pool, which then lives as long as the last of them, and the log keeps them all.
function encode(body: JsonObject): Buffer {
  const text = JSON.stringify(body);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
