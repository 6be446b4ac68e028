import type { SweepRow } from '../../shared/sweep/store/index.ts';
import type { DriftRow, OpenRow } from './history-shapes.ts';

/*
 * What the HTTP API answers with, as TypeScript sees it before it becomes JSON. The schemas in `schemas.ts` say the same, and the document
 * at `/api/openapi.json` is made of those.
 */

export type * from './history-shapes.ts';

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
