/** The result of a departure from a policy. The comment of each outcome says what an auditor may conclude from the outcome. */
export type Outcome =
  /** The row is stored before Twinkeeper changes the hub. After a crash, a redelivered event or the next sweep sets the final outcome. */
  | 'pending'
  /** Twinkeeper created the missing module, with its baseline. */
  | 'created'
  /** Twinkeeper set the desired property to the policy's value, or removed the forbidden property. */
  | 'enforced'
  /** The drift is only recorded. The policy or the whole app is in audit mode, or no change to the hub could repair the drift. */
  | 'audited'
  /** The drift ended before Twinkeeper repaired it. The twin was compliant again. */
  | 'healed'
  /** A later write put another wrong value in the place of this one. The later write has a row of its own. Nothing was repaired. */
  | 'superseded'
  /** The device or the module was deleted. */
  | 'gone'
  /** The policies no longer demand this: the policy or its rule was taken out, or the device left its scope. The twin was not repaired. */
  | 'retired'
  /** Twinkeeper could not repair the drift yet. A retry is queued. */
  | 'deferred'
  /** A guard holds the repair back for now. */
  | 'heldBack'
  /** Twinkeeper cannot repair the drift, or all retries failed. The field `error` holds the reason. */
  | 'failed';

const overOutcomes: ReadonlySet<Outcome> = new Set(['created', 'enforced', 'healed', 'superseded', 'gone', 'retired']);

/** The outcomes after which the twin is still out of line. */
export const openOutcomes: readonly Outcome[] = ['pending', 'audited', 'deferred', 'heldBack', 'failed'];

/** Whether the outcome ends the departure from a policy. After any other outcome, the twin is still out of line. */
export function isOver(outcome: Outcome): boolean {
  return overOutcomes.has(outcome);
}

/** The cause of the pass that detected a departure from a policy: an event, a sweep, or a person. */
export type Source = 'event' | 'sweep' | 'manual';

/**
 * What caused a row to get an outcome: an event, a sweep, a person who asked for the pass, or the end of all retries. Absent in rows of the first
 * format.
 */
export type TransitionCause = Source | 'retries';

/** One step in the course of a row: the row got an outcome. A row begins as `pending` when it is detected, which is not listed. */
export interface Transition {
  /** When the row got the outcome, ISO 8601. */
  readonly at: string;
  /** The outcome, or `ended` when the drift of an `audited` row ended. */
  readonly outcome: Outcome | 'ended';
  /** Why the row has the outcome: the row's `error` at that time, at most 200 characters. */
  readonly reason?: string;
  readonly by?: TransitionCause;
  /** How often the row got this outcome for this reason, with only tries to repair it in between. Absent when once. */
  readonly times?: number;
  /** When it was so for the last time, ISO 8601. Absent when once. */
  readonly lastAt?: string;
  /** Number of transitions before this one that are not kept. Absent when none. */
  readonly omitted?: number;
}
