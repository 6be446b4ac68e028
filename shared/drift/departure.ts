import type { Mode } from '../policy/index.ts';
import type { Json, Write } from '../twin/index.ts';

/** How something is out of line. */
export type DriftKind =
  | 'missingModule'
  | 'missingProperty'
  | 'wrongValue'
  | 'forbiddenProperty'
  | 'notReported'
  | 'custom'
  | 'policyError';

/** What came of a departure; the doc comment of each says what an auditor may conclude from it. */
export type Outcome =
  /** Written ahead: seen, and about to be mended. A crash leaves it so until the redelivery or the sweep completes it. */
  | 'pending'
  /** The missing module was created, with its baseline. */
  | 'created'
  /** The desired property was set back, or the forbidden one removed. */
  | 'enforced'
  /** Recorded only: the policy, or the whole app, is in audit mode, or nothing could mend it. */
  | 'audited'
  /** Over before we acted: compliant again, or replaced by a later write, which has a row of its own if it departs too. */
  | 'healed'
  /** The device or the module was deleted. */
  | 'gone'
  /** Could not be mended now; a retry is queued. */
  | 'deferred'
  /** A guard keeps it from being mended for now. */
  | 'heldBack'
  /** Given up, with the reason in `error`. */
  | 'failed';

/** Where a departure was noticed. */
export type Source = 'event' | 'sweep' | 'manual';

/** What is out of line: one property of one twin, or one missing module, by one policy. */
export interface Departure {
  readonly deviceId: string;
  /** `''` for the device's own twin. */
  readonly moduleId: string;
  readonly policy: string;
  /** Dotted path below `properties.desired`; `''` when it is about the module or the twin as a whole. */
  readonly path: string;
  readonly kind: DriftKind;
  /** What the policy wants; `undefined` where it wants nothing there. */
  readonly expected: Json | undefined;
  /** What was there; `undefined` where nothing was. */
  readonly actual: Json | undefined;
  /** The write that brought it. With device, module, policy, path and kind, its identity. */
  readonly write: Write;
  readonly mode: Mode;
  /** A custom policy's own words, or why nothing can be done about it. */
  readonly message?: string;
}

/** What the history says about a departure, beside the departure itself. */
export interface DriftRow extends Departure {
  /** Schema version of the stored row. */
  readonly v: 1;
  readonly hub: string;
  /** Where the row is: {@link driftKey} of the departure. */
  readonly rowKey: string;
  readonly detectedAt: string;
  readonly source: Source;
  /** When the hub did the operation whose event told us. */
  readonly operationTimestamp?: string;
  readonly correlationId?: string;
  /** The twin's version when it was read. */
  readonly twinVersion?: number;
  /** `$version` of the desired properties when they were read: the write that mends them makes it one more. */
  readonly desiredVersion?: number;
  readonly outcome: Outcome;
  readonly outcomeAt: string;
  /** When a row that stayed open after its outcome (audited, failed) ceased to be out of line. */
  readonly closedAt?: string;
  readonly error?: string;
}

/** True for the outcomes after which a departure is over. With the others, it is still out of line. */
export function isOver(outcome: Outcome): boolean {
  return outcome === 'created' || outcome === 'enforced' || outcome === 'healed' || outcome === 'gone';
}

/** Whether a row's departure is still out of line. */
export function isOpen(row: DriftRow): boolean {
  return !isOver(row.outcome) && row.closedAt === undefined;
}
