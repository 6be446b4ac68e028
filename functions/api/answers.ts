import type { SweepRow } from '../../shared/sweep/store/index.ts';
import type { DriftRow, OpenRow } from './history-answers.ts';

/*
 * The TypeScript types of the API's answers, as they are before they become JSON. The endpoints, the command and the dashboard use them.
 * `answer-schemas.ts` holds a schema for each of them, from which `/api/openapi.json` is made; the compiler checks that the two agree.
 */

export type * from './history-answers.ts';

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
