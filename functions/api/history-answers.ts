/**
 * The types of the API's answers about the history and the fleet, in the form of their JSON. This file imports only types, because the
 * dashboard's page uses these types and is compiled for a browser. The endpoints return rows of `shared/drift` as these types, so the
 * compiler reports when the two differ.
 *
 * @module
 */

import type { FleetAnswer, OpenTotals } from './summary-answers.ts';
import type { Verification } from './verification-answers.ts';

export type * from './summary-answers.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** The kinds of drift. */
export type DriftKind =
  | 'missingModule'
  | 'missingBaseline'
  | 'missingProperty'
  | 'wrongValue'
  | 'forbiddenProperty'
  | 'notReported'
  | 'custom'
  | 'policyError';

/** The outcomes of a drift: what the app did about the drift, or how the drift ended. */
export type Outcome =
  | 'pending'
  | 'created'
  | 'enforced'
  | 'audited'
  | 'healed'
  | 'superseded'
  | 'gone'
  | 'retired'
  | 'deferred'
  | 'heldBack'
  | 'failed';

/** One step in the course of a row: the row got an outcome. */
export interface Transition {
  /** Time when the row got the outcome, ISO 8601. */
  readonly at: string;
  /** The outcome, or `ended` when the drift of an `audited` row ended. */
  readonly outcome: Outcome | 'ended';
  /** Why the row had the outcome. At most 200 characters. */
  readonly reason?: string;
  /** What caused it. `retries`: the last retry failed. Absent in rows of version 1. */
  readonly by?: 'event' | 'sweep' | 'manual' | 'retries';
  /** How often the row got this outcome for this reason, with only tries to repair it in between. Absent when once. */
  readonly times?: number;
  /** Time of the last of these, ISO 8601. Absent when once. */
  readonly lastAt?: string;
  /** Number of transitions before this one that are not kept. Absent when none. */
  readonly omitted?: number;
}

/** A row of the history. The JSON leaves out `expected` and `actual` where their value is undefined. */
export interface DriftRow {
  /** Version of the format in which the row is stored. Of a row of version 1, only the last outcome is known. */
  readonly v: 1 | 2;
  readonly hub: string;
  /** Key of the row. It is unique among the rows of one device. */
  readonly rowKey: string;
  readonly deviceId: string;
  /** Id of the module, or `''` for the twin of the device. */
  readonly moduleId: string;
  readonly policy: string;
  /** Dotted path below `properties.desired`, or `''` when the drift is about the whole module or twin. */
  readonly path: string;
  readonly kind: DriftKind;
  readonly expected: Json | undefined;
  readonly actual: Json | undefined;
  /** The write to the twin that caused the drift. `exact` is false when that write is unknown. The fields then describe a later write. */
  readonly write: {
    readonly version: number;
    readonly at: string;
    readonly exact: boolean;
    /** Id of the configuration of the hub that made the write. Absent when no configuration made it. */
    readonly by?: string;
  };
  readonly mode: 'enforce' | 'audit';
  readonly message?: string;
  /** The hash of the policy's definition by which the drift was judged last. Absent in rows of version 1. */
  readonly policyVersion?: string;
  /** The version of the app that wrote the row last. Absent in rows of version 1. */
  readonly appVersion?: string;
  readonly detectedAt: string;
  readonly source: 'event' | 'sweep' | 'manual';
  /** True when the row is the first about its module of the device, which was missing or had no baseline. Absent in other rows. */
  readonly isFirst?: true;
  /** Time when the hub did the operation that the event reported, ISO 8601. */
  readonly operationTimestamp?: string;
  readonly correlationId?: string;
  readonly twinVersion?: number;
  readonly desiredVersion?: number;
  readonly outcome: Outcome;
  readonly outcomeAt: string;
  /** Time when the drift ended, for a row that stayed open after its outcome, ISO 8601. */
  readonly closedAt?: string;
  readonly error?: string;
  /** Every outcome that the row has had since its detection, oldest first. Absent while there is none. */
  readonly transitions?: readonly Transition[];
  /** Number of wrong writes that the row records, when more than one. While a property is contested, its writes share one row. */
  readonly times?: number;
  /** The last wrong write that the row records. Absent when the row records one write. */
  readonly lastWrite?: { readonly version: number; readonly at: string; readonly exact: boolean };
  /** The value of the last write. Absent when the row records one write, and when the last write left no value. */
  readonly lastActual?: Json | undefined;
  /** The versions of the writes that `times` counts after the first, lowest first, at most the last 100. Absent when one is unknown. */
  readonly foldedVersions?: readonly number[];
}

/**
 * The answer of `GET /api/drift`: one page of rows, newest first. The last page has no cursor. A page with a cursor can have fewer rows
 * than the request's `limit`, even none.
 */
export interface DriftPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
}

/** Why an open drift is not repaired. */
export type OpenState =
  /** The drift is only recorded: the policy is in audit mode, or no repair is possible. */
  | 'audited'
  /**
   * A guard holds the repair back: the policy has reached its limit of overwritten twins in an hour, or an automatic configuration of the
   * hub competes with the policy.
   */
  | 'heldBack'
  /** Another writer keeps changing the property back after each repair. */
  | 'contested'
  | 'failed'
  | 'deferred'
  | 'pending';

export interface OpenRow extends DriftRow {
  readonly why: { readonly state: OpenState; readonly reason: string };
}

/** The answer of `GET /api/drift/open`: one page of the open rows of a policy, of a device, or of the whole fleet. */
export interface OpenPage {
  readonly rows: readonly OpenRow[];
  readonly cursor?: string;
}

/** A property that a policy has a rule for, compared with the current twin. An entry can also be about the whole module. */
export interface ComparedProperty {
  readonly policy: string;
  /** Dotted path below `properties.desired`, or `''` when the entry is about the whole module or twin. */
  readonly path: string;
  /** The rule in words, such as `exactly 30` or `from 60 to 2880`. */
  readonly rule: string;
  /** The value that a repair would set. Absent when a repair would set none. */
  readonly expected?: Json;
  /** The value in the twin. Absent when the twin has none. */
  readonly actual?: Json;
  readonly ok: boolean;
  /** The kind of the drift. Absent when the twin complies. */
  readonly kind?: DriftKind;
  readonly message?: string;
}

/** The comparison of one twin with the policies: the twin of a module, or the twin of the device (`moduleId` is `''`). */
export interface ComparedModule {
  readonly moduleId: string;
  readonly exists: boolean;
  /** Names of the policies that are about this twin and apply to the device. */
  readonly policies: readonly string[];
  readonly properties: readonly ComparedProperty[];
  /** `properties.desired` of the twin, without its metadata. Absent when the module does not exist. */
  readonly desired?: JsonObject;
}

/** The answer of `GET /api/devices/{deviceId}`. */
export interface DeviceAnswer extends Verification {
  readonly deviceId: string;
  /** False when the device is not in the hub and only the history has rows of it. */
  readonly exists: boolean;
  readonly edge: boolean;
  readonly tags: JsonObject;
  /** Time when the twins were read, ISO 8601. */
  readonly at: string;
  /** Names of the policies that apply to the device. */
  readonly policies: readonly string[];
  readonly modules: readonly ComparedModule[];
  readonly open: readonly OpenRow[];
  /** The last 50 history rows of the device, newest first. */
  readonly rows: readonly DriftRow[];
}

/** The scope of a policy as the policy file writes it. The scope selects the devices that the policy applies to. */
export interface ScopeAnswer extends ScopePartsAnswer {
  /** The devices that the scope leaves out. */
  readonly not?: ScopePartsAnswer | readonly ScopePartsAnswer[];
}

export interface ScopePartsAnswer {
  readonly tags?: JsonObject;
  readonly edge?: boolean;
  readonly deviceId?: string | readonly string[];
}

export interface PolicyAnswer {
  readonly name: string;
  /** Id of the module that the policy is about, or `''` when the policy is about the twins of devices. */
  readonly module: string;
  readonly mode: 'enforce' | 'audit';
  readonly createModule: boolean;
  /** The scope of the policy. Absent when a function of the policy decides the scope. */
  readonly appliesTo?: ScopeAnswer;
  readonly properties: readonly { readonly path: string; readonly rule: string; readonly expected?: Json }[];
  /** Whether the policy has an `evaluate` function. */
  readonly evaluates: boolean;
  /** Number of devices that the policy applies to, counted by the last sweep. Absent before the first sweep. */
  readonly devices?: number;
  /** Number of devices that have open drift of this policy. */
  readonly openDevices: number;
  /** `devices` minus `openDevices`. Absent before the first sweep. */
  readonly compliant?: number;
}

/** The answer of `GET /api/policies`. */
export interface PoliciesAnswer {
  readonly policies: readonly PolicyAnswer[];
  readonly fleet: FleetAnswer;
  /** The open rows of all policies, also of policies that the app no longer has. Counted at `openCountedAt`. */
  readonly open: OpenTotals;
  /**
   * The time of the counts `openDevices` and `open`, ISO 8601. The time of the request when at most 40 rows are open, and otherwise that of the last
   * roll-up.
   */
  readonly openCountedAt: string;
}

/** The fields of a sweep that the page shows. `GET /api/sweeps` returns more fields. */
export interface ShownSweep {
  /** Number of devices that still wait in the queue, for their first attempt or for a retry. */
  readonly waiting: number;
  /** Number of devices that the sweep did not queue, because they were already waiting in the queue. */
  readonly alreadyQueued: number;
  /** Number of modules that the sweep did not read, because a guard still holds their repair back and their twins have not changed. */
  readonly heldBack: number;
  /** Probable mistakes in policies, one sentence each. */
  readonly warnings: readonly string[];
}

/** The part of the answer of `GET /api/sweeps` that the page shows, newest sweep first. */
export interface ShownSweeps {
  readonly sweeps: readonly ShownSweep[];
}

/** The answer to a request that failed: a problem document (RFC 9457) with the media type `application/problem+json`. */
export interface ProblemAnswer {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Name of the wrong parameter. Absent when no parameter is wrong. */
  readonly parameter?: string;
}

/** What is wrong with an unusable event. */
export type EventFault =
  | 'noProperties'
  | 'unknownOperation'
  | 'noDeviceId'
  | 'differentIds'
  | 'invalidId'
  | 'badBody'
  | 'unprocessable';

/** Unusable events of one fault that came in one hour, and that were counted and not stored. */
export interface CountedEventsAnswer {
  readonly fault: EventFault;
  /** The start of the hour. */
  readonly hour: string;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** The reason of the last of these events. */
  readonly reason: string;
}

/** The answer of `GET /api/dead-letters`: one page of dead letters, newest first, without their events. The last page has no cursor. */
export interface DeadLettersPage {
  readonly letters: readonly {
    readonly id: string;
    readonly at: string;
    readonly reason: string;
    readonly deviceId: string;
    /** When the letter was replayed, and by whom. Only with `state=replayed`. */
    readonly replayed?: { readonly at: string; readonly by: string };
  }[];
  readonly cursor?: string;
  /**
   * The unusable events that were only counted, newest hour first, at most 100 entries. Of each fault, the first 100 events in an hour are
   * dead letters, and the other events are counted. Only the first page has entries.
   */
  readonly countedOnly: readonly CountedEventsAnswer[];
}
