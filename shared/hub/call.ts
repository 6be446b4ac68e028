import type { Registry } from 'azure-iothub';
import type { Clock } from '../clock.ts';
import { HubBreaker } from './breaker.ts';
import type { CallGate } from './call-gate.ts';
import { classifyError } from './classify.ts';
import type { HubAddress } from './connection.ts';
import { withDeadline } from './deadline.ts';
import type { Answer, Lane } from './hub.ts';
import { attemptedBy, type Deed } from './hub-access.ts';
import { type MeteredCall, messagesIn } from './metered-call.ts';
import { type Attempt, type RetryOptions, withRetries } from './retry.ts';
import type { OperationClass } from './throttle-limits.ts';
import { wasSurelyNotSent } from './was-sent.ts';

/** The time limits of a call, in milliseconds. */
export interface CallLimits extends RetryOptions {
  /** How long a call waits for the budget, in all its attempts together. */
  readonly longestWait: number;
  /** How long one attempt takes. */
  readonly deadline: number;
  /** How long one attempt to read a page of query results takes. Queries are slow. */
  readonly queryDeadline: number;
  /** How long a call takes in all its attempts, without the waits for the budget. */
  readonly total: number;
  /** How long reading a page of query results takes in all its attempts. */
  readonly queryTotal: number;
  /** Number of calls in a row without an answer, after which no call is sent for a while. */
  readonly breakerFailures: number;
  /** For how long no call is sent at first. */
  readonly breakerOpenFor: number;
}

export interface CallDependencies {
  readonly registry: () => Promise<Registry>;
  readonly address: HubAddress;
  readonly gate: CallGate;
  readonly limits: CallLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly messageBytes: number;
  readonly onCalled: (call: MeteredCall) => void;
}

/** The lane of a call to the hub, and the callback that runs before each HTTP call. */
export interface Caller {
  readonly lane: Lane;
  readonly onCall?: () => void;
}

/** What a call costs, and what is known about its answers. */
export interface CallKind<T> {
  readonly operation: OperationClass;
  /** What the call does, for the message when the hub refuses the caller. Default: what its class says. */
  readonly deed?: Deed;
  /** The number of operations that the hub counts. Default: 1. */
  readonly operations?: number;
  /**
   * Whether the call may be made again when its answer was lost. If not, the answer is then the problem `unclear`: the hub may have carried
   * out the call. Default: true.
   */
  readonly isRepeatable?: boolean;
  /** Whether the hub throttled a part of the call. */
  readonly wasThrottled?: (value: T) => boolean;
  /** The number of bytes that count against the message quota. Absent when the hub does not bill the call. */
  readonly billedBytes?: (value: T) => number;
}

/** Makes a call to the hub: within the budgets and the time limits, with retries, and not at all while the hub does not answer. */
export type MakeCall = <T>(
  caller: Caller,
  use: (registry: Registry) => Promise<T>,
  kind: CallKind<T>,
) => Promise<Answer<T>>;

/** Creates the function that makes all calls to a hub. */
export function createCall(dependencies: CallDependencies): MakeCall {
  const { registry, address, gate, limits, clock, random, messageBytes, onCalled } = dependencies;
  const problemOf = (error: unknown, deed: Deed) => classifyError(error, clock.now(), attemptedBy(deed, address));
  const breaker = new HubBreaker({
    failures: limits.breakerFailures,
    openFor: limits.breakerOpenFor,
    clock,
    random,
    isOutage: (error) => classifyError(error, clock.now()).type === 'transient',
  });

  return async <T>(caller: Caller, use: (registry: Registry) => Promise<T>, kind: CallKind<T>): Promise<Answer<T>> => {
    const {
      operation,
      deed = operation,
      operations = 1,
      isRepeatable = true,
      wasThrottled = () => false,
      billedBytes,
    } = kind;
    const client = await registry();
    const isQuery = operation === 'query';
    let timeLeft = isQuery ? limits.queryTotal : limits.total;
    let waitLeft = limits.longestWait;

    return withRetries<T>(
      async () => {
        if (breaker.putOff > 0) return unanswered();
        const permit = await acquire();
        if (!permit.granted) return { ok: false, problem: permit.problem, final: true };
        // Another call may have become the probe in the meantime.
        if (breaker.putOff > 0) return unanswered();
        caller.onCall?.();
        const started = clock.now().getTime();
        try {
          const deadline = Math.min(timeLeft, isQuery ? limits.queryDeadline : limits.deadline);
          const timeouts = isQuery ? { deadline, idleTimeout: deadline } : { deadline };
          const value = await breaker.run(() => withDeadline(timeouts, () => use(client)));
          const isThrottled = wasThrottled(value);
          if (isThrottled) permit.refused();
          const messages = billedBytes === undefined ? 0 : messagesIn(billedBytes(value), messageBytes);
          onCalled({ operation, result: isThrottled ? 'throttled' : 'ok', messages });
          return { ok: true, value };
        } catch (error) {
          timeLeft -= Math.max(0, clock.now().getTime() - started);
          const problem = problemOf(error, deed);
          const isQuota = problem.type === 'throttled' && problem.quota !== undefined;
          if (problem.type === 'throttled' && !isQuota) permit.refused(problem.retryAfter);
          onCalled({ operation, result: problem.type, messages: 0, problem });
          if (isQuota) return { ok: false, problem, final: true };
          if (problem.type === 'transient' && !isRepeatable && !wasSurelyNotSent(error))
            return { ok: false, problem: { type: 'unclear', message: problem.message }, final: true };
          return { ok: false, problem, ...(timeLeft > 0 ? {} : { final: true }) };
        }
      },
      limits,
      clock,
      random,
    );

    function unanswered() {
      const { since, error } = breaker.outage ?? { since: clock.now(), error: undefined };
      // A message that changes with each try would write the rows of a device that waits again and again.
      const message = `not sent: the hub has not answered since ${since.toISOString()}: ${classifyError(error, clock.now()).message}`;
      return unsent(message, breaker.putOff);
    }

    async function acquire() {
      const started = clock.now().getTime();
      const permit = await gate.acquire({ operation, lane: caller.lane, longestWait: waitLeft, operations });
      waitLeft = Math.max(0, waitLeft - Math.max(0, clock.now().getTime() - started));
      return permit;
    }
  };
}

/** The result of a call that is not sent, because the hub does not answer. The caller can defer the work. */
function unsent(message: string, retryAfter: number): Attempt<never> {
  return { ok: false, problem: { type: 'throttled', message, retryAfter, waits: true, isSilent: true }, final: true };
}
