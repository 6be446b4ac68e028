import type { DriftKind, DriftRow, Summary } from '../../shared/drift/index.ts';
import type { Mode, Scope } from '../../shared/policy/index.ts';
import type { SweepRow } from '../../shared/sweep/store/index.ts';
import type { Json, JsonObject } from '../../shared/twin/index.ts';

/*
 * What the HTTP API answers with, as TypeScript sees it before it becomes JSON. The schemas in `schemas.ts` say the same, and the document
 * at `/api/openapi.json` is made of those.
 */

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

/** `GET /api/summary`. */
export interface SummaryAnswer extends Omit<Summary, 'bucketHours'> {
  /** As asked: `1h`, `1d`. */
  readonly bucket: string;
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

/** `POST /api/devices/{deviceId}/reconcile`: what came of looking at it now. */
export interface ReconcileAnswer {
  readonly deviceId: string;
  /** `putOff`: not all could be done now; the sweep finds what is left. */
  readonly status: 'done' | 'putOff';
  /** Departures that were found out of line. */
  readonly found: number;
  /** Properties set back or removed, and modules created. */
  readonly changed: number;
  /** The history rows that it wrote or changed, newest first. */
  readonly rows: readonly DriftRow[];
  /** What is still out of line. */
  readonly open: readonly OpenRow[];
}

export interface PolicyAnswer {
  readonly name: string;
  /** `''`: it is about the devices' own twins. */
  readonly module: string;
  readonly mode: Mode;
  readonly createModule: boolean;
  /** The scope as it is written; absent where a function decides. */
  readonly appliesTo?: Scope;
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

/** `GET /api/sweeps`: newest first. Without a cursor there are no more. */
export interface SweepsAnswer {
  readonly sweeps: readonly SweepRow[];
  readonly cursor?: string;
}

/** `POST /api/sweep`. */
export interface SweepAcceptedAnswer {
  readonly status: 'accepted';
  readonly detail: string;
}

/** `GET /api/dead-letters`: newest first, without the events themselves. */
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

/** Any answer that is no success: RFC 9457, `application/problem+json`. */
export interface ProblemAnswer {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The parameter at fault. */
  readonly parameter?: string;
}
