import type { Mode } from '../policy/index.ts';
import type { Json, Write } from '../twin/index.ts';

/** How a twin breaks a policy. */
export type DriftKind =
  | 'missingModule'
  | 'missingProperty'
  | 'wrongValue'
  | 'forbiddenProperty'
  | 'notReported'
  | 'custom'
  | 'policyError';

/** The result of a departure. The comment of each outcome says what an auditor may conclude from it. */
export type Outcome =
  /** Written before the hub is changed. After a crash, a redelivered event or the next sweep completes the row. */
  | 'pending'
  /** Twinkeeper created the missing module, with its baseline. */
  | 'created'
  /** Twinkeeper set the desired property back, or removed the forbidden one. */
  | 'enforced'
  /** Recorded only: the policy or the whole app is in audit mode, or no change to the hub could mend the departure. */
  | 'audited'
  /** The departure ended before Twinkeeper acted: the twin is compliant again, or a later write replaced the wrong value. */
  | 'healed'
  /** The device or the module was deleted. */
  | 'gone'
  /** The departure could not be mended yet. A retry is queued. */
  | 'deferred'
  /** A guard holds the change back for now. */
  | 'heldBack'
  /** The departure cannot be mended, or all retries failed. `error` holds the reason. */
  | 'failed';

/** The trigger of the pass that detected a departure. */
export type Source = 'event' | 'sweep' | 'manual';

/** One property of one twin, or one missing module, that breaks one policy. */
export interface Departure {
  readonly deviceId: string;
  /** `''` for the device's own twin. */
  readonly moduleId: string;
  readonly policy: string;
  /** Dotted path below `properties.desired`. `''` when the departure concerns the whole module or twin. */
  readonly path: string;
  readonly kind: DriftKind;
  /** The value that the policy wants. `undefined` when the policy wants no value there. */
  readonly expected: Json | undefined;
  /** The value that was found. `undefined` when there was none. */
  readonly actual: Json | undefined;
  /** The write that caused the departure. Device, module, policy, path, kind and write identify a departure. */
  readonly write: Write;
  readonly mode: Mode;
  /** The finding's text from a custom `evaluate`, or the reason why the departure cannot be mended. */
  readonly message?: string;
}

/** One row of the history: a departure and its result. */
export interface DriftRow extends Departure {
  /** Schema version of the stored row. */
  readonly v: 1;
  readonly hub: string;
  /** The {@link driftKey} of the departure. */
  readonly rowKey: string;
  readonly detectedAt: string;
  readonly source: Source;
  /** When the hub carried out the operation that the event reports. */
  readonly operationTimestamp?: string;
  readonly correlationId?: string;
  /** The twin's version when it was read. */
  readonly twinVersion?: number;
  /** `$version` of the desired properties when they were read. A mending write raises it by one. */
  readonly desiredVersion?: number;
  readonly outcome: Outcome;
  readonly outcomeAt: string;
  /** When an `audited` departure ended. The row keeps the outcome `audited`. */
  readonly closedAt?: string;
  readonly error?: string;
}

/** True for the outcomes that end a departure. After any other outcome the twin is still out of line. */
export function isOver(outcome: Outcome): boolean {
  return outcome === 'created' || outcome === 'enforced' || outcome === 'healed' || outcome === 'gone';
}

/** Whether a row's departure is open: the twin is still out of line. */
export function isOpen(row: DriftRow): boolean {
  return !isOver(row.outcome) && row.closedAt === undefined;
}
