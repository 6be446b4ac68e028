/**
 * What IoT Hub's events say. An event is a hint that something about a device has changed and evidence for the history; it is never
 * the truth, which only the twin is. Pure.
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
