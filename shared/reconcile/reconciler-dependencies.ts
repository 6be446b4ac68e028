import type { Clock } from '../clock.ts';
import type { Journal, RunningPasses } from '../drift/index.ts';
import type { Guard } from '../guards/index.ts';
import type { Hub } from '../hub/index.ts';
import type { Log } from '../log.ts';
import type { PolicySet, Versions } from '../policy/index.ts';

/** The dependencies of a reconciler. Without `guard`, no repair is held back. Without `clock`, the clock of the machine is used. */
export interface ReconcilerDependencies {
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly journal: Journal;
  readonly log: Log;
  readonly guard?: Guard;
  readonly clock?: Clock;
  /** Milliseconds for which a deleted module is left alone before it is created again. Default: 0. */
  readonly settleTime?: number;
  /** The versions that rows name. Default: rows name none. */
  readonly versions?: Versions;
  /** Remembers the devices of passes that are killed. Default: nothing is remembered. */
  readonly runningPasses?: RunningPasses;
}

/** The dependencies with their defaults. */
export type CompleteDependencies = Required<Omit<ReconcilerDependencies, 'versions'>> &
  Pick<ReconcilerDependencies, 'versions'>;
