import type { Clock } from '../clock.ts';
import type { Journal } from '../drift/index.ts';
import type { Guard } from '../guards/index.ts';
import type { Hub } from '../hub/index.ts';
import type { Log } from '../log.ts';
import type { PolicySet } from '../policy/index.ts';

/** The dependencies of a reconciler. Without a guard, all changes are allowed. Without a clock, the machine's clock is used. */
export interface ReconcilerDependencies {
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly journal: Journal;
  readonly log: Log;
  readonly guard?: Guard;
  readonly clock?: Clock;
}
