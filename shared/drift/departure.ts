import type { Mode } from '../policy/index.ts';
import type { Json, Write } from '../twin/index.ts';

/** The kind of a departure from a policy: in which way the twin breaks the policy. */
export type DriftKind =
  | 'missingModule'
  | 'missingBaseline'
  | 'missingProperty'
  | 'wrongValue'
  | 'forbiddenProperty'
  | 'notReported'
  | 'custom'
  | 'policyError';

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

/** The cause of the pass that detected a departure from a policy: an event, a sweep, or a person. */
export type Source = 'event' | 'sweep' | 'manual';

/** One way in which a twin is out of line with a policy: one property that breaks the policy, one missing module, or one missing baseline. */
export interface Departure {
  readonly deviceId: string;
  /** Id of the module. `''` for the device twin. */
  readonly moduleId: string;
  readonly policy: string;
  /** Dotted path of the property below `properties.desired`. `''` when the departure concerns the whole module or twin. */
  readonly path: string;
  readonly kind: DriftKind;
  /** The value that the policy wants at the path. `undefined` when the policy wants no value at the path. */
  readonly expected: Json | undefined;
  /** The value that the twin held. `undefined` when the twin held no value at the path. */
  readonly actual: Json | undefined;
  /** The write to the twin that caused the departure. Device, module, policy, path, kind and write together identify a departure. */
  readonly write: Write;
  readonly mode: Mode;
  /** The message of a finding from a custom `evaluate`, or the reason why Twinkeeper cannot repair the drift. */
  readonly message?: string;
}

/** One row of the history. The row records one departure from a policy, and the outcome of the departure. */
export interface DriftRow extends Departure {
  /** Version of the format in which the row is stored. */
  readonly v: 1;
  readonly hub: string;
  /** Key of the row in the journal. {@link driftKey} computes the key from the departure. */
  readonly rowKey: string;
  readonly detectedAt: string;
  readonly source: Source;
  /** The time of the event's operation in the hub, ISO 8601. */
  readonly operationTimestamp?: string;
  readonly correlationId?: string;
  /** The version of the twin when Twinkeeper read it. For a deleted module, the last version of its twin. */
  readonly twinVersion?: number;
  /** The `$version` of the desired properties when Twinkeeper read the twin. A repair raises the `$version` by one. */
  readonly desiredVersion?: number;
  readonly outcome: Outcome;
  readonly outcomeAt: string;
  /** The time at which the drift of an `audited` row ended, ISO 8601. The row keeps the outcome `audited`. */
  readonly closedAt?: string;
  readonly error?: string;
  /**
   * Number of wrong writes that the row records. Absent when the row records one write. While the property is contested or flaps, further
   * wrong writes are folded into the row.
   */
  readonly times?: number;
  /** The last wrong write that is folded into the row. Absent when no write is folded into the row. */
  readonly lastWrite?: Write;
  /** The value of `lastWrite`. Absent when no write is folded into the row, and when the last write left no value. */
  readonly lastActual?: Json | undefined;
  /**
   * The versions of the writes that are folded into the row, lowest first. Only the highest ones of a long list are kept. Absent when the
   * version of a folded write is unknown.
   */
  readonly foldedVersions?: readonly number[];
}

const overOutcomes: ReadonlySet<Outcome> = new Set(['created', 'enforced', 'healed', 'superseded', 'gone', 'retired']);

/** Whether the outcome ends the departure from a policy. After any other outcome, the twin is still out of line. */
export function isOver(outcome: Outcome): boolean {
  return overOutcomes.has(outcome);
}

/** Whether the row is open. A row is open while the twin is still out of line with the policy. */
export function isOpen(row: DriftRow): boolean {
  return !isOver(row.outcome) && row.closedAt === undefined;
}
