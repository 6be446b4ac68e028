import type { DriftKind, DriftRow, Summary } from '../../shared/drift/index.ts';
import type { Mode, Scope } from '../../shared/policy/index.ts';
import type { SweepRow } from '../../shared/sweep/store/index.ts';
import type { Json, JsonObject } from '../../shared/twin/index.ts';

/*
 * The TypeScript types of the API's answers, as they are before they become JSON. The endpoints, the command and the dashboard use them.
 * `answer-schemas.ts` holds a schema for each of them, from which `/api/openapi.json` is made; the compiler checks that the two agree.
 */

/** `GET /api/drift`: rows, newest first. The last page has no cursor. A page with a cursor may have fewer rows than `limit`, even none. */
export interface DriftPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
}

/** Why open drift is not repaired. */
export type OpenState =
  /** The drift is only recorded: the policy is in audit mode, or nothing can repair it. */
  | 'audited'
  /** A guard holds the repair back: the policy's limit of overwrites an hour, or a competing automatic configuration of the hub. */
  | 'heldBack'
  /** Somebody keeps changing the property back. */
  | 'contested'
  /** The repair failed and is not retried. */
  | 'failed'
  /** The repair will be retried. */
  | 'deferred'
  /** The repair is under way, or its process ended. */
  | 'pending';

export interface OpenRow extends DriftRow {
  readonly why: { readonly state: OpenState; readonly reason: string };
}

/** `GET /api/drift/open`, by policy or by device. */
export interface OpenPage {
  readonly rows: readonly OpenRow[];
  readonly cursor?: string;
}

/** `GET /api/summary`. */
export interface SummaryAnswer extends Omit<Summary, 'bucketHours'> {
  /** The `bucket` parameter of the request: `1h`, `1d`. */
  readonly bucket: string;
}

/** One requirement of a policy, compared with the twin as it is now. */
export interface ComparedProperty {
  readonly policy: string;
  /** A dotted path below `properties.desired`. `''` when the requirement is about the whole module or twin. */
  readonly path: string;
  /** The rule in words: `exactly 30`, `from 60 to 2880`. */
  readonly rule: string;
  /** Absent when the policy sets no value. */
  readonly expected?: Json;
  /** Absent when the twin has no value. */
  readonly actual?: Json;
  readonly ok: boolean;
  /** The kind of drift. Absent when there is no drift. */
  readonly kind?: DriftKind;
  readonly message?: string;
}

/** The twin of a module that a policy is about, or the device twin (`moduleId` is `''`), read just now. */
export interface ComparedModule {
  readonly moduleId: string;
  readonly exists: boolean;
  /** The names of the policies that are about this twin and apply to the device. */
  readonly policies: readonly string[];
  readonly properties: readonly ComparedProperty[];
  /** `properties.desired` without its metadata. Absent when the module does not exist. */
  readonly desired?: JsonObject;
}

/** `GET /api/devices/{deviceId}`. */
export interface DeviceAnswer {
  readonly deviceId: string;
  /** False when the hub has no such device and only the history knows it. */
  readonly exists: boolean;
  readonly edge: boolean;
  readonly tags: JsonObject;
  /** When the twins were read, ISO 8601. */
  readonly at: string;
  /** The names of the policies that apply to the device. */
  readonly policies: readonly string[];
  readonly modules: readonly ComparedModule[];
  readonly open: readonly OpenRow[];
  /** The last 50 history rows, newest first. */
  readonly rows: readonly DriftRow[];
}

/** `POST /api/devices/{deviceId}/reconcile`: the result of reconciling the device now. */
export interface ReconcileAnswer {
  readonly deviceId: string;
  /** `putOff`: some repairs could not be made now. The next sweep makes them. */
  readonly status: 'done' | 'putOff';
  /** Number of drifts that were found. */
  readonly found: number;
  /** Number of properties set or removed, and of modules created. */
  readonly changed: number;
  /** The history rows that this request wrote or changed, newest first. */
  readonly rows: readonly DriftRow[];
  /** The drift that is still open. */
  readonly open: readonly OpenRow[];
}

export interface PolicyAnswer {
  readonly name: string;
  /** `''` when the policy is about device twins. */
  readonly module: string;
  readonly mode: Mode;
  readonly createModule: boolean;
  /** The scope as written in the policy. Absent when a function decides. */
  readonly appliesTo?: Scope;
  readonly properties: readonly { readonly path: string; readonly rule: string; readonly expected?: Json }[];
  /** Whether the policy has an `evaluate` function. */
  readonly evaluates: boolean;
  /** Number of devices in the policy's scope, counted by the last sweep. Absent before the first count. */
  readonly devices?: number;
  /** Number of devices that have open drift of this policy now. */
  readonly openDevices: number;
  /** `devices` minus `openDevices`. */
  readonly compliant?: number;
}

/** `GET /api/policies`. */
export interface PoliciesAnswer {
  readonly policies: readonly PolicyAnswer[];
}

/** `GET /api/sweeps`: newest first. The last page has no cursor. */
export interface SweepsAnswer {
  readonly sweeps: readonly SweepRow[];
  readonly cursor?: string;
}

/** `POST /api/sweep`. */
export interface SweepAcceptedAnswer {
  readonly status: 'accepted';
  readonly detail: string;
}

/** `GET /api/dead-letters`: newest first, without the events. The last page has no cursor. */
export interface DeadLettersPage {
  readonly letters: readonly {
    readonly id: string;
    readonly at: string;
    readonly reason: string;
    readonly deviceId: string;
  }[];
  readonly cursor?: string;
}

/** `POST /api/dead-letters/{id}/replay`. */
export interface ReplayAnswer {
  readonly id: string;
  readonly status: 'replayed';
}

/** The body of every error: a problem document (RFC 9457, `application/problem+json`). */
export interface ProblemAnswer {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The name of the wrong parameter. */
  readonly parameter?: string;
}
