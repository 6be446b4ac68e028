import type { BehaviourOptions } from './hub-behaviour.ts';

/** The options of `twinkeeper local`, after they were parsed. */
export interface RunOptions extends BehaviourOptions {
  readonly devices: number;
  readonly demo: boolean;
  /** Whether the hub routes events to the app. False with `--no-events`. */
  readonly events: boolean;
  readonly endpoints?: string;
  readonly portBase?: number;
  readonly seed: number;
  readonly once?: boolean;
  readonly json?: boolean;
}
