/*
 * The types of the health answers. The file imports nothing, because the page uses these types too.
 */

/**
 * The answer of `GET /api/health`. `unhealthy`: the app does not do its work. `unknown`: the first check has not ended yet, or no check has
 * ended for two minutes, because the hub or the storage account answers slowly.
 */
export interface HealthAnswer {
  readonly status: 'healthy' | 'unhealthy' | 'unknown';
}

/** The result of one part of the health check. */
export interface HealthPart {
  readonly ok: boolean;
  readonly detail: string;
}

/** One problem of the app. */
export interface HealthProblem {
  /** A code that does not change, such as `sweepOverdue`. */
  readonly code: string;
  /** `ill`: the app does not do its work, and the health answers 503. `warning`: somebody should act. `information`: nothing is wrong. */
  readonly severity: 'ill' | 'warning' | 'information';
  /** What is wrong, one sentence. */
  readonly sentence: string;
  /** What to do, one sentence. */
  readonly advice: string;
}

/** How the whole app is, from what all its instances have stored. Times are ISO 8601. An absent time never happened, or is not known. */
export interface HealthState {
  readonly version: string;
  readonly mode: 'enforce' | 'audit';
  /** A hash of all policy definitions. */
  readonly policies: string;
  /** When the numbers of open rows were counted. Absent before the first `roll-up`. */
  readonly countedAt?: string;
  /** Number of open rows. Absent before the first `roll-up`. */
  readonly open?: number;
  /** Number of open rows that are held back, by reason. Absent before the first `roll-up`. */
  readonly heldBack?: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  /** Approximate number of devices that wait for a retry in the queue. */
  readonly deferred: number;
  /** When events of the hub arrived last. */
  readonly lastEventAt?: string;
  /** When the last sweep that finished ended. */
  readonly lastSweepEndedAt?: string;
  /** Since when history rows may be pending. */
  readonly pendingSince?: string;
  /** Calls to the hub in five minutes, by class of operations. */
  readonly calls: Readonly<Record<string, number>>;
  /** How many of these calls the hub answered with 429. */
  readonly throttled: Readonly<Record<string, number>>;
  /** Messages that the app took from the hub's daily quota today (UTC). */
  readonly messagesUsed: number;
  /** The policies without a limit, because they were released, and until when. */
  readonly released: readonly { readonly policy: string; readonly until: string }[];
  /** One sentence for each setting of the hub's configurations that breaks a policy. */
  readonly competing: readonly string[];
}

/** The answer of `GET /api/health/details`. */
export interface HealthDetails extends HealthAnswer {
  /** Time when the check ended, ISO 8601. Absent when the status is `unknown`. */
  readonly checkedAt?: string;
  /** Absent when the status is `unknown`. */
  readonly checks?: Readonly<Record<'settings' | 'hub' | 'storage' | 'configurations', HealthPart>>;
  /** The problems, the worst first. Absent when the status is `unknown`. */
  readonly problems?: readonly HealthProblem[];
  /** Absent when the status is `unknown`, and when storage does not answer. */
  readonly state?: HealthState;
}
