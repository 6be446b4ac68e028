import type { BehaviourOptions } from './hub-behaviour.ts';

/** The options of `twinkeeper local`. */
export interface RunOptions extends BehaviourOptions {
  readonly devices: number;
  readonly demo: boolean;
  /** False when the hub routes no events. */
  readonly events: boolean;
  readonly endpoints?: string;
  readonly portBase?: number;
  readonly seed: number;
  readonly once?: boolean;
  readonly json?: boolean;
}
