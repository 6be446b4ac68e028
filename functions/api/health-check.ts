import type { HealthDetails } from './answers.ts';

export interface HealthCheckOptions {
  /** Makes one health check. Never rejects, and ends by itself. */
  check(): Promise<HealthDetails>;
  now(): Date;
  /** Resolves after this number of milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/** The health of the app, from a check that all callers share. */
export interface HealthCheck {
  /** Returns the newest result. Starts a new check when the last one began more than 30 seconds ago. */
  latest(): Promise<HealthDetails>;
}

/** Milliseconds between the starts of two checks. Anybody can ask for the health, and each check costs a hub call. */
const interval = 30_000;

/** Milliseconds that a caller waits for a running check. A health probe cannot wait for the retries of a hub call. */
const patience = 5_000;

/**
 * Milliseconds after which a result says nothing about the present any more. A good result ends earlier: a hub that fails makes the next
 * check slow, and the app must not be called healthy for long in that time.
 */
const validity = { healthy: 60_000, unhealthy: 120_000, unknown: 0 } as const;

/**
 * Creates a health check that runs at most once at a time and at most every 30 seconds, however many callers ask. A slow check is not a
 * failed check: while it runs, callers get the last result, or `unknown` when there is none.
 */
export function createHealthCheck({ check, now, sleep }: HealthCheckOptions): HealthCheck {
  let startedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  let last: { readonly at: number; readonly health: HealthDetails } | undefined;

  // The clock of the machine can be set back. A time in the future is then as far from now as it is, and not in the past for hours.
  const distance = (time: number) => Math.abs(now().getTime() - time);

  function run(): Promise<void> {
    startedAt = now().getTime();
    return check()
      .then((health) => {
        last = { at: now().getTime(), health };
      })
      .finally(() => {
        running = undefined;
      });
  }

  return {
    async latest() {
      if (running === undefined && distance(startedAt) >= interval) running = run();
      if (running !== undefined) await Promise.race([running, sleep(patience)]);
      if (last === undefined || distance(last.at) >= validity[last.health.status]) return { status: 'unknown' };
      return last.health;
    },
  };
}
