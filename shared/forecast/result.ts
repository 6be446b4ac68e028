import type { CompetingSetting } from '../guards/index.ts';
import type { Mode } from '../policy/index.ts';
import type { CallForecast } from './duration.ts';
import type { ForecastExample, PropertyForecast, RecordedForecast } from './policy-counts.ts';

/** The changes that a sweep would make now. `twinkeeper plan --json` prints this object, so its property names stay as they are. */
export interface Forecast {
  readonly hub: string;
  readonly policies: readonly PolicyForecast[];
  /** Settings of the hub's automatic configurations that break a policy. */
  readonly competing: readonly CompetingSetting[];
  /** Hub calls that a sweep would make to find and mend all departures. */
  readonly calls: CallForecast;
  /** Seconds that those calls would take within the budget. */
  readonly seconds: number;
  /** Whether there is any departure to mend or to record. */
  readonly somethingToDo: boolean;
  /** Hub calls that the forecast itself made. */
  readonly asked: number;
}

/** The changes that a sweep would make for one policy. */
export interface PolicyForecast {
  readonly policy: string;
  /** `''` means the twin of the device itself. */
  readonly module: string;
  readonly mode: Mode;
  /** Devices in the policy's scope. */
  readonly devices: number;
  /** Devices in the scope without any departure from the policy. */
  readonly compliant: number;
  readonly modulesToCreate: number;
  readonly propertiesToChange: number;
  /** The properties to change, one entry per path, most frequent first. */
  readonly changes: readonly PropertyForecast[];
  /** The departures to record without a change, most frequent first. */
  readonly recorded: readonly RecordedForecast[];
  /** Absent where the policy overwrites or removes nothing. */
  readonly overwrites?: OverwriteForecast;
  /** At most ten devices. */
  readonly examples: readonly ForecastExample[];
  /** Why all twins had to be read: queries cannot find all departures from the policy. */
  readonly walked?: string;
}

/** A policy's overwrites against its blast-radius limit, if nothing was overwritten in the last hour. */
export interface OverwriteForecast {
  readonly count: number;
  readonly perHour: number;
  /** Overwrites that would wait for a later hour. */
  readonly heldBack: number;
}
