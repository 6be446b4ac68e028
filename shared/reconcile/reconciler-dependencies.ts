import type { Clock } from '../clock.ts';
import type { Journal } from '../drift/index.ts';
import type { Guard } from '../guards/index.ts';
import type { Hub } from '../hub/index.ts';
import type { Log } from '../log.ts';
import type { PolicySet } from '../policy/index.ts';

/** The parts that a reconciler works with. Without a guard, it mends everything that a policy asks for. */
export interface ReconcilerDependencies {
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly journal: Journal;
  readonly log: Log;
  readonly guard?: Guard;
  readonly clock?: Clock;
}
