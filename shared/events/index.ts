/**
 * This folder decodes the events that IoT Hub sends when a device, a module or a twin changes. An event causes a check of the device, and
 * a history row can name the event that reported the drift. An event can be old, so only the twin itself shows the present state. The
 * functions here are pure: they do no I/O.
 *
 * @module
 */
export {
  type DecodedEvent,
  decodeEvent,
  type EventFault,
  type HubEvent,
  type IdentityChanged,
  type TwinReplaced,
  type TwinUpdated,
} from './decode-event.ts';
export type { RawEvent } from './raw-event.ts';
