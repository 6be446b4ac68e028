/** The simulated faults of the hub, as a middleware that makes calls fail. */
import type { Clock } from '../../../shared/clock.ts';
import { type Random, seededRandom } from '../demo/random.ts';
import { runFaultyBulk } from './bulk-fault.ts';
import { HubError } from './errors.ts';
import { type Fault, type FaultKind, readFaults } from './fault.ts';
import { type Answer, errorAnswer, NoAnswer } from './http-listener.ts';
import type { Call, Middleware } from './http-service.ts';

/** A fault, and how many calls it has matched so far. */
export interface FaultReport {
  readonly fault: Fault;
  /** False when the duration of the fault is over. */
  readonly active: boolean;
  /** Number of calls that the fault matched. */
  readonly calls: number;
  /** Number of matched calls that the fault has made fail. */
  readonly struck: number;
}

interface FaultState {
  readonly fault: Fault;
  /** End of the fault in milliseconds since 1970, on the hub's clock. */
  readonly until: number;
  readonly random: Random;
  calls: number;
  struck: number;
}

/**
 * The simulated faults of a hub. At first there are none. Delays and durations follow the hub's clock, which can be faster than real time.
 */
export class Faults {
  readonly #callers: readonly string[];
  readonly #clock: Clock;
  #states: readonly FaultState[] = [];

  /** `callers` are the names of all callers of the hub. A fault that names another caller is refused. */
  constructor(callers: readonly string[], clock: Clock) {
    this.#callers = callers;
    this.#clock = clock;
  }

  /**
   * Replaces all faults. The hub tries the faults in order for each call. The first fault that makes the call fail decides how it fails.
   * @throws {HubError} 400 if a fault is invalid.
   */
  replace(faults: unknown): void {
    const now = this.#now();
    this.#states = readFaults(faults, this.#callers).map((fault) => ({
      fault,
      until: fault.seconds === undefined ? Number.POSITIVE_INFINITY : now + fault.seconds * 1000,
      random: seededRandom(fault.seed ?? 1),
      calls: 0,
      struck: 0,
    }));
  }

  report(): readonly FaultReport[] {
    const now = this.#now();
    return this.#states.map(({ fault, until, calls, struck }) => ({ fault, active: now < until, calls, struck }));
  }

  /** If a fault applies to the call, makes the call fail. Otherwise runs the operation of the call. */
  readonly middleware: Middleware = async (call, next) => {
    const kind = this.#strike(call);
    if (kind === undefined) return next();
    if ('status' in kind) return failure(kind);
    if ('drop' in kind) {
      if (kind.drop === 'after') await next();
      throw new NoAnswer(`A simulated fault breaks the connection ${kind.drop} the operation.`);
    }
    if ('bulk' in kind) {
      const answer = call.callClass === 'bulk' ? await runFaultyBulk(kind.bulk, call.request, next) : undefined;
      return answer ?? next();
    }
    if (kind.operation === 'after') {
      await this.#clock.sleep(kind.delay);
      return next();
    }
    const answer = await next();
    await this.#clock.sleep(kind.delay);
    return answer;
  };

  /** Returns how the call fails, or undefined if no fault makes the call fail. Adds the call to the counts of the faults that match. */
  #strike(call: Call): FaultKind | undefined {
    const now = this.#now();
    for (const state of this.#states) {
      const { fault, until, random } = state;
      if (now >= until || !matchesCall(fault, call)) continue;
      state.calls += 1;
      if (random.next() >= fault.share) continue;
      state.struck += 1;
      return random.pick(fault.kinds);
    }
    return undefined;
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

function matchesCall({ classes, caller }: Fault, call: Call): boolean {
  return (
    (classes === undefined || classes.includes(call.callClass)) && (caller === undefined || caller === call.caller)
  );
}

const errorCodes = { 429: 'ThrottlingException', 500: 'ServerError', 503: 'ServiceUnavailable' } as const;

function failure({ status, retryAfter }: Extract<FaultKind, { readonly status: number }>): Answer {
  const answer = errorAnswer(new HubError(errorCodes[status], 'A simulated fault'));
  if (retryAfter === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfter) } };
}
