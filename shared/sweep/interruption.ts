import type { Problem } from '../hub/index.ts';

/** The result of one run of a sweep. A sweep needs several runs where a run reaches its deadline or its process dies. */
export type RunEnd =
  | { readonly state: 'done' }
  /** The policies have changed since the sweep started. A new sweep must start. */
  | { readonly state: 'abandoned' }
  /** The sweep resumes after `delay` seconds. `isQueued`: the message that resumes the sweep is in the queue since an earlier pause. */
  | { readonly state: 'paused'; readonly reason: string; readonly delay: number; readonly isQueued?: boolean }
  /** Another instance has taken the sweep's lease. */
  | { readonly state: 'lost' };

/** Thrown to end a run of a sweep. Only `SweepRun` catches this error. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly end: Extract<RunEnd, { state: 'paused' | 'lost' }>;

  constructor(end: Extract<RunEnd, { state: 'paused' | 'lost' }>) {
    super('The sweep is interrupted.');
    this.end = end;
  }
}

/**
 * Whether the hub refused a call, so that the same call fails again later. A later retry helps only when the hub throttles or does not
 * answer. The hub answers 400 to a malformed query. The hub was observed to answer 412 to a query that was too long.
 */
export function isRefusal({ type }: Problem): boolean {
  return type !== 'throttled' && type !== 'transient';
}

/** Thrown when the hub refuses a query, for example because the query is malformed or too long. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

/** Seconds until a paused sweep resumes, where the hub did not say how long to wait. */
const hubDelay = 30;

/** Returns the error to throw when the hub cannot answer at this time, but may answer later. */
export function interruptedBy(problem: Problem): Interrupted {
  const after = problem.type === 'throttled' ? problem.retryAfter : undefined;
  return new Interrupted({
    state: 'paused',
    reason: problem.message,
    delay: after === undefined ? hubDelay : after / 1000,
  });
}
