import type { BehaviourOptions } from './hub-behaviour.ts';

/** The options of `twinkeeper local`, after they were parsed. */
export interface RunOptions extends BehaviourOptions {
  readonly devices: number;
  readonly demo: boolean;
  /** Whether the hub routes events to the app. False with `--no-events`. */
  readonly events: boolean;
  readonly endpoints?: string;
  readonly portBase?: number;
  /** The host name by which clients reach the hub on port 443. Without it, the hub listens on another port of localhost. */
  readonly hubHost?: string;
  readonly seed: number;
  readonly once?: boolean;
  readonly json?: boolean;
}
