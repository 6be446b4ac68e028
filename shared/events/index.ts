/**
 * IoT Hub sends an event when a device, a module or a twin changes. An event is a reason to look at the device and evidence for the
 * history. Only the twin tells the present state. The code here is pure.
 *
 * @module
 */
export {
  type DecodedEvent,
  decodeEvent,
  type HubEvent,
  type IdentityChanged,
  type TwinReplaced,
  type TwinUpdated,
} from './decode-event.ts';
export type { RawEvent } from './raw-event.ts';
