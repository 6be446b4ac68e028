import type { CompetingSetting } from '../guards/index.ts';
import type { Mode } from '../policy/index.ts';
import type { CallForecast } from './duration.ts';
import type { ForecastExample, PropertyForecast, RecordedForecast } from './policy-counts.ts';

/** The changes that a sweep would make now. `twinkeeper plan --json` prints this object, so do not rename its properties. */
export interface Forecast {
  readonly hub: string;
  readonly policies: readonly PolicyForecast[];
  /** Settings in the hub's automatic configurations that break a policy. */
  readonly competing: readonly CompetingSetting[];
  /** Number of hub calls that a sweep would make to find and repair all drift. */
  readonly calls: CallForecast;
  /** Seconds that these calls would take within the app's call budget. */
  readonly seconds: number;
  /** About how many messages of the hub's daily quota these calls would take. */
  readonly messages: number;
  /** The messages that the app may take in a day. A sweep that needs more goes on after 00:00 UTC. */
  readonly messagesPerDay: number;
  /** Number of days in which a sweep would take these messages. Sweeps leave a fifth of the app's messages to events. */
  readonly days: number;
  /** Whether there is any drift to repair or to record. */
  readonly somethingToDo: boolean;
  /** Number of hub calls that the forecast itself made. */
  readonly asked: number;
}

/** The changes that a sweep would make for one policy. */
export interface PolicyForecast {
  readonly policy: string;
  /** Name of the module. `''` means the device's own twin. */
  readonly module: string;
  readonly mode: Mode;
  /** Number of devices in the policy's scope. */
  readonly devices: number;
  /** A sentence about a scope without any device. The scope is probably wrong. Absent where a device is in the scope. */
  readonly warning?: string;
  /** Number of devices in the scope without any departure from the policy. */
  readonly compliant: number;
  readonly modulesToCreate: number;
  /** A missing baseline counts with the number of its properties. */
  readonly propertiesToChange: number;
  /** The properties to change. One entry per path, most frequent first. */
  readonly changes: readonly PropertyForecast[];
  /** The drift that a sweep would only record. Most frequent first. */
  readonly recorded: readonly RecordedForecast[];
  /** The twins that count against the policy's blast radius. Absent where the policy overwrites or removes nothing. */
  readonly blastRadius?: BlastRadiusForecast;
  /** Devices that break the policy, as examples. At most 10. */
  readonly examples: readonly ForecastExample[];
  /** Why the forecast read all twins of the policy. Absent where queries found all drift. */
  readonly walked?: string;
}

/** Compares a policy's changes with its blast radius. Assumes that Twinkeeper overwrote nothing in the last hour. */
export interface BlastRadiusForecast {
  /** Number of twins in which the policy would overwrite or remove something. */
  readonly twins: number;
  /** Number of twins that the policy may change in an hour. */
  readonly perHour: number;
  /** Number of twins that a sweep would leave as they are for a later hour. */
  readonly heldBack: number;
}
