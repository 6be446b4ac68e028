import type { Mode } from '../policy/index.ts';
import type { Json, Write } from '../twin/index.ts';
import { isOver, type Outcome, type Source, type Transition } from './outcome.ts';

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
  /** Version of the format in which the row is stored. Rows of version 1 have no transitions. */
  readonly v: 1 | 2;
  readonly hub: string;
  /** Key of the row in the journal. {@link driftKey} computes the key from the departure. */
  readonly rowKey: string;
  /** The hash of the policy's definition by which the departure was judged last. Absent in rows of version 1. */
  readonly policyVersion?: string;
  /** The version of the app that wrote the row last. Absent in rows of version 1. */
  readonly appVersion?: string;
  readonly detectedAt: string;
  readonly source: Source;
  /**
   * True when the row is the first about its module of the device, and nobody had removed anything before: see {@link isOnboarding}. Absent in
   * other rows, and in rows of version 1.
   */
  readonly isFirst?: true;
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
  /** Every outcome that the row has had since its detection, oldest first. Absent while there is none. */
  readonly transitions?: readonly Transition[];
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

/** Whether the row is open. A row is open while the twin is still out of line with the policy. */
export function isOpen(row: DriftRow): boolean {
  return !isOver(row.outcome) && row.closedAt === undefined;
}

/**
 * Whether the row belongs to the onboarding of a device, and is no departure of a device that was in line before: the module is created on the
 * device for the first time, or gets its first baseline.
 *
 * The row of a new device names the event of its creation, and no version of a deleted module. A sweep cannot tell a module that never existed
 * from one whose deletion no event reported. So its row counts as onboarding only where the history knew nothing of this module of the device
 * ({@link DriftRow.isFirst}): Twinkeeper writes a row for each module that it creates. The event of a deletion that comes later adds the version.
 */
export function isOnboarding({ kind, isFirst, write, twinVersion }: DriftRow): boolean {
  if (kind === 'missingModule') return twinVersion === undefined && (write.exact || isFirst === true);
  // The first version of the desired properties is the one with which a twin is created.
  return kind === 'missingBaseline' && isFirst === true && write.version <= 1;
}

/** Whether the row belongs in the open list. A `pending` row does not belong there, because Twinkeeper is about to repair the drift. */
export function isListed(row: DriftRow): boolean {
  return isOpen(row) && row.outcome !== 'pending';
}
