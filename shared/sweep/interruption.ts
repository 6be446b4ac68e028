import type { Problem } from '../hub/index.ts';

/** How one run of a sweep came to its end. */
export type RunEnd =
  | { readonly state: 'done' }
  /** Its policies are others by now: a new sweep is what is needed. */
  | { readonly state: 'abandoned' }
  /** To be gone on with, after so many seconds. */
  | { readonly state: 'paused'; readonly why: string; readonly delay: number }
  /** Somebody else has taken the lead. */
  | { readonly state: 'lost' };

/** Ends a run of a sweep from wherever it is; the run catches it, and nobody else sees it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly end: Extract<RunEnd, { state: 'paused' | 'lost' }>;

  constructor(end: Extract<RunEnd, { state: 'paused' | 'lost' }>) {
    super('The sweep is interrupted.');
    this.end = end;
  }
}

/** The hub calls a query malformed, or does not know something in it. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

/** Seconds until a sweep is gone on with that the hub had no answer for, if it does not say. */
const hubDelay = 30;

/** What to throw when the hub has no answer for now. */
export function interruptedBy(problem: Problem): Interrupted {
  const after = problem.type === 'throttled' ? problem.retryAfter : undefined;
  return new Interrupted({
    state: 'paused',
    why: problem.message,
    delay: after === undefined ? hubDelay : after / 1000,
  });
}
