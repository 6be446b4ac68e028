import type { Problem } from '../hub/index.ts';

/** How one run of a sweep ended. */
export type RunEnd =
  | { readonly state: 'done' }
  /** The policies have changed since the sweep started. A new sweep is needed. */
  | { readonly state: 'abandoned' }
  /** The sweep resumes after `delay` seconds. */
  | { readonly state: 'paused'; readonly reason: string; readonly delay: number }
  /** Another instance has taken the lease. */
  | { readonly state: 'lost' };

/** Thrown to end a run of a sweep. Only `SweepRun` catches it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly end: Extract<RunEnd, { state: 'paused' | 'lost' }>;

  constructor(end: Extract<RunEnd, { state: 'paused' | 'lost' }>) {
    super('The sweep is interrupted.');
    this.end = end;
  }
}

/** Thrown when the hub refuses a query, for example as malformed or too long. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

/** Seconds until a sweep resumes after the hub did not answer and did not say how long to wait. */
const hubDelay = 30;

/** The error to throw when the hub has no answer for now. */
export function interruptedBy(problem: Problem): Interrupted {
  const after = problem.type === 'throttled' ? problem.retryAfter : undefined;
  return new Interrupted({
    state: 'paused',
    reason: problem.message,
    delay: after === undefined ? hubDelay : after / 1000,
  });
}
