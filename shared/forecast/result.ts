import type { CompetingSetting } from '../guards/index.ts';
import type { Mode } from '../policy/index.ts';
import type { CallForecast } from './calls.ts';
import type { ForecastExample, PropertyForecast, RecordedForecast } from './policy-counts.ts';

/** What a sweep would do. */
export interface Forecast {
  readonly hub: string;
  readonly policies: readonly PolicyForecast[];
  /** Where automatic configurations of the hub set what breaks a policy. */
  readonly competing: readonly CompetingSetting[];
  /** The hub calls that it would take to find and to mend it all. */
  readonly calls: CallForecast;
  /** How long they would take within the budget. */
  readonly seconds: number;
  /** Whether anything departs from the policies: it would be mended, or at least recorded. */
  readonly somethingToDo: boolean;
  /** The hub calls that it took to find this out. */
  readonly asked: number;
}

/** What would be done for one policy. */
export interface PolicyForecast {
  readonly policy: string;
  /** `''` for devices' own twins. */
  readonly module: string;
  readonly mode: Mode;
  /** In its scope. */
  readonly devices: number;
  /** Those of them that do not depart from it in anything. */
  readonly compliant: number;
  readonly modulesToCreate: number;
  readonly propertiesToChange: number;
  /** The properties that would be changed, by path, the most frequent first. */
  readonly changes: readonly PropertyForecast[];
  /** What would be recorded and not changed, the most frequent first. */
  readonly recorded: readonly RecordedForecast[];
  /** Present where values would be overwritten or removed. */
  readonly overwrites?: OverwriteForecast;
  /** Ten at most. */
  readonly examples: readonly ForecastExample[];
  /** Why every twin had to be looked at, where queries cannot say what departs. */
  readonly walked?: string;
}

/** What the blast-radius limit makes of a policy's changes, if nothing has been overwritten in the last hour. */
export interface OverwriteForecast {
  readonly count: number;
  readonly perHour: number;
  /** Those that would have to wait for another hour. */
  readonly heldBack: number;
}
