/**
 * The API's answers about the history and the fleet, as types of the JSON. This file imports nothing: the dashboard's page uses the types,
 * and is compiled for a browser. The endpoints return rows of `shared/drift`, so the compiler reports any difference.
 *
 * @module
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** How a row's device, module or property is out of line. */
export type DriftKind =
  | 'missingModule'
  | 'missingProperty'
  | 'wrongValue'
  | 'forbiddenProperty'
  | 'notReported'
  | 'custom'
  | 'policyError';

/** The outcome of a row. */
export type Outcome =
  | 'pending'
  | 'created'
  | 'enforced'
  | 'audited'
  | 'healed'
  | 'gone'
  | 'deferred'
  | 'heldBack'
  | 'failed';

/** A row of the history. `expected` and `actual` are absent in JSON where they are undefined. */
export interface DriftRow {
  /** Version of the stored row. */
  readonly v: 1;
  readonly hub: string;
  /** Identifies the row within its device. */
  readonly rowKey: string;
  readonly deviceId: string;
  /** `''` for the device's own twin. */
  readonly moduleId: string;
  readonly policy: string;
  /** Dotted path below `properties.desired`; `''` when the row is about the module or the twin as a whole. */
  readonly path: string;
  readonly kind: DriftKind;
  readonly expected: Json | undefined;
  readonly actual: Json | undefined;
  /** The write that brought the departure. `exact` is false when only a later write is known. */
  readonly write: { readonly version: number; readonly at: string; readonly exact: boolean };
  readonly mode: 'enforce' | 'audit';
  readonly message?: string;
  readonly detectedAt: string;
  readonly source: 'event' | 'sweep' | 'manual';
  /** When the hub did the operation that the event reported. */
  readonly operationTimestamp?: string;
  readonly correlationId?: string;
  readonly twinVersion?: number;
  readonly desiredVersion?: number;
  readonly outcome: Outcome;
  readonly outcomeAt: string;
  /** When a row that stayed open after its outcome was in line again. */
  readonly closedAt?: string;
  readonly error?: string;
}

/** `GET /api/drift`: newest first. Without a cursor there are no more; with one there may be fewer than asked for, even none. */
export interface DriftPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
}

/** Why something that is out of line is not mended. */
export type OpenState =
  /** Recorded only. */
  | 'audited'
  /** The limit of the policy's overwrites an hour, or an automatic configuration of the hub, keeps it from being mended. */
  | 'heldBack'
  /** Somebody keeps changing it back. */
  | 'contested'
  | 'failed'
  | 'deferred'
  | 'pending';

export interface OpenRow extends DriftRow {
  readonly why: { readonly state: OpenState; readonly reason: string };
}

/** `GET /api/drift/open`, by policy or by device. */
export interface OpenPage {
  readonly rows: readonly OpenRow[];
  readonly cursor?: string;
}

/** The departures of some time, counted. */
export interface SummaryBucket {
  readonly from: string;
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
}

/** `GET /api/summary`. */
export interface SummaryAnswer {
  /** The counted time, ISO 8601: whole hours, of which the last may still be running. */
  readonly from: string;
  readonly to: string;
  /** When the last counted hour was counted; absent where no hour was. */
  readonly countedAt?: string;
  /** As asked: `1h`, `1d`. */
  readonly bucket: string;
  /** Without the buckets in which nothing was detected. */
  readonly buckets: readonly SummaryBucket[];
  readonly total: number;
  readonly topDevices: readonly { readonly deviceId: string; readonly count: number }[];
  readonly topProperties: readonly { readonly policy: string; readonly path: string; readonly count: number }[];
  /** From the change to the mended twin, in milliseconds; absent where nothing was mended. */
  readonly timeToEnforcedMs?: { readonly p50: number; readonly p99: number };
  /** Once an hour at most, oldest first. */
  readonly compliance: readonly {
    readonly at: string;
    readonly policy: string;
    readonly devices: number;
    readonly compliant: number;
  }[];
}

/** One thing that a policy asks of a twin, held against the twin as it is now. */
export interface ComparedProperty {
  readonly policy: string;
  /** Dotted, below `properties.desired`; `''` when it is about the module or the twin as a whole. */
  readonly path: string;
  /** The rule in words: `exactly 30`, `from 60 to 2880`. */
  readonly rule: string;
  /** Absent where the policy wants nothing there. */
  readonly expected?: Json;
  /** Absent where nothing is there. */
  readonly actual?: Json;
  readonly ok: boolean;
  /** How it is out of line; absent where it is not. */
  readonly kind?: DriftKind;
  readonly message?: string;
}

/** A module that some policy is about, or the device's own twin (`moduleId` is `''`), read just now. */
export interface ComparedModule {
  readonly moduleId: string;
  readonly exists: boolean;
  /** The policies about it whose scope the device is in. */
  readonly policies: readonly string[];
  readonly properties: readonly ComparedProperty[];
  /** `properties.desired` without its metadata; absent where the module does not exist. */
  readonly desired?: JsonObject;
}

/** `GET /api/devices/{deviceId}`. */
export interface DeviceAnswer {
  readonly deviceId: string;
  /** False for a device that only the history knows. */
  readonly exists: boolean;
  readonly edge: boolean;
  readonly tags: JsonObject;
  /** When the twins were read, ISO 8601. */
  readonly at: string;
  /** The policies whose scope the device is in. */
  readonly policies: readonly string[];
  readonly modules: readonly ComparedModule[];
  readonly open: readonly OpenRow[];
  /** The last 50 rows, newest first. */
  readonly rows: readonly DriftRow[];
}

/** The devices that a policy applies to, as the policy writes them. */
export interface ScopeAnswer {
  readonly tags?: JsonObject;
  readonly edge?: boolean;
  readonly deviceId?: string;
}

export interface PolicyAnswer {
  readonly name: string;
  /** `''`: it is about the devices' own twins. */
  readonly module: string;
  readonly mode: 'enforce' | 'audit';
  readonly createModule: boolean;
  /** The scope as it is written; absent where a function decides. */
  readonly appliesTo?: ScopeAnswer;
  readonly properties: readonly { readonly path: string; readonly rule: string; readonly expected?: Json }[];
  /** Whether it has an `evaluate` of its own. */
  readonly evaluates: boolean;
  /** Devices in its scope, as the last sweep counted them; absent until one has. */
  readonly devices?: number;
  /** Devices that are out of line with it now. */
  readonly openDevices: number;
  /** `devices` without `openDevices`. */
  readonly compliant?: number;
}

/** `GET /api/policies`. */
export interface PoliciesAnswer {
  readonly policies: readonly PolicyAnswer[];
}

/** Any answer that is no success: RFC 9457, `application/problem+json`. */
export interface ProblemAnswer {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The parameter at fault. */
  readonly parameter?: string;
}
