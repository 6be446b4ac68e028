import type { ActionRecord } from '../../shared/actions/index.ts';
import type { SweepRow } from '../../shared/sweep/store/index.ts';
import type { ShownActions } from './action-answers.ts';
import type { DriftRow, Json, JsonObject, OpenRow, ShownSweeps } from './history-answers.ts';

/*
 * The TypeScript types of the API's answers. The types describe the objects before they are written as JSON. The endpoints, the command and
 * the dashboard use these types. `answer-schemas.ts` has a schema for each answer, and `/api/openapi.json` is made from the schemas. The
 * compiler checks that each schema agrees with its type.
 */

export type * from './action-answers.ts';
export type * from './health-answers.ts';
export type * from './history-answers.ts';
export type * from './past-answers.ts';
export type * from './search-answers.ts';
export type * from './verification-answers.ts';

/** The answer of `GET /api/health` when the app could not start. */
export interface FailedStartAnswer {
  readonly status: 'unhealthy';
  /** One sentence for each fault of the settings and the policies. */
  readonly faults: readonly string[];
}

/** The answer of `POST /api/devices/{deviceId}/reconcile`, which checks one device and repairs its drift. */
export interface ReconcileAnswer {
  readonly deviceId: string;
  /**
   * `done`: the reconciler finished its work on the device. `putOff`: some repairs could not be made now, and the next sweep makes them.
   */
  readonly status: 'done' | 'putOff';
  /** Number of drifts that were found. */
  readonly found: number;
  /** Number of properties set or removed, and of modules created. */
  readonly changed: number;
  /** The history rows that this request wrote or changed, newest first. */
  readonly rows: readonly DriftRow[];
  /** The open history rows of the device after this request. */
  readonly open: readonly OpenRow[];
}

/** The answer of `GET /api/sweeps`: one page of sweeps, newest first. The last page has no cursor. */
export interface SweepsAnswer extends ShownSweeps {
  readonly sweeps: readonly SweepRow[];
  readonly cursor?: string;
}

/** The answer of `GET /api/actions`: one page of actions, newest first. The last page has no cursor. */
export interface ActionsAnswer extends ShownActions {
  readonly actions: readonly ActionRecord[];
}

/** The answer of `POST /api/sweep`. */
export interface SweepAcceptedAnswer {
  readonly status: 'accepted';
  readonly detail: string;
}

/** The answer of `POST /api/policies/{policy}/release`. */
export interface ReleaseAnswer {
  readonly policy: string;
  /** The time until which the policy has no limit, ISO 8601. */
  readonly until: string;
}

/** The answer of `POST /api/dead-letters/{id}/replay`. */
export interface ReplayAnswer {
  readonly id: string;
  readonly status: 'replayed';
}

/** The answer of `GET /api/policies/{policy}/versions`. */
export interface PolicyVersionsAnswer {
  readonly policy: string;
  /** The versions that the app has run with, newest first. */
  readonly versions: readonly {
    /** The hash of the definition, as rows name it in `policyVersion`. */
    readonly version: string;
    readonly firstSeenAt: string;
    readonly appVersion: string;
    /** The definition. A function is the text `function ` and its source. */
    readonly definition: JsonObject;
  }[];
  /** When which version was in force, newest first. The newest period has no `until` while it lasts. */
  readonly inForce: readonly {
    readonly since: string;
    readonly until?: string;
    readonly version: string;
    readonly mode: 'enforce' | 'audit';
    readonly appVersion: string;
  }[];
  /** The values that differ between the versions `before` and `after` of the request. Absent when the request names none. */
  readonly differences?: readonly { readonly path: string; readonly before?: Json; readonly after?: Json }[];
}
