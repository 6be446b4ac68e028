/** Faults on request, which stand before every operation. */
import type { Clock } from '../../../shared/clock.ts';
import { type Random, seededRandom } from '../demo/random.ts';
import { HubError } from './errors.ts';
import { type Fault, type FaultKind, readFaults } from './fault.ts';
import { type Answer, errorAnswer, NoAnswer } from './http-edge.ts';
import type { Call, Middleware } from './http-service.ts';

/** A fault that was asked for, and what has come of it. */
export interface FaultReport {
  readonly fault: Fault;
  /** Whether it still strikes. */
  readonly active: boolean;
  /** How many calls it was about, and how many of those it struck. */
  readonly calls: number;
  readonly struck: number;
}

interface Asked {
  readonly fault: Fault;
  /** In the hub's time. */
  readonly until: number;
  readonly random: Random;
  calls: number;
  struck: number;
}

/** The faults of a hub; none until some are set. Delays and how long a fault lasts go by the hub's clock. */
export class Faults {
  readonly #policies: readonly string[];
  readonly #clock: Clock;
  #asked: readonly Asked[] = [];

  /** Takes the names of all shared access policies, so that a fault for one that does not exist is refused. */
  constructor(policies: readonly string[], clock: Clock) {
    this.#policies = policies;
    this.#clock = clock;
  }

  /** Puts these faults in the place of those before. A call meets the first that strikes it. @throws {HubError} 400 on wrong ones. */
  replace(faults: unknown): void {
    const now = this.#now();
    this.#asked = readFaults(faults, this.#policies).map((fault) => ({
      fault,
      until: fault.seconds === undefined ? Number.POSITIVE_INFINITY : now + fault.seconds * 1000,
      random: seededRandom(fault.seed ?? 1),
      calls: 0,
      struck: 0,
    }));
  }

  report(): readonly FaultReport[] {
    const now = this.#now();
    return this.#asked.map(({ fault, until, calls, struck }) => ({ fault, active: now < until, calls, struck }));
  }

  readonly middleware: Middleware = async (call, next) => {
    const kind = this.#strike(call);
    if (kind === undefined) return next();
    if ('status' in kind) return failure(kind);
    if ('drop' in kind) {
      if (kind.drop === 'after') await next();
      throw new NoAnswer(`The connection was to break ${kind.drop} the operation.`);
    }
    if (kind.operation === 'after') {
      await this.#clock.sleep(kind.delay);
      return next();
    }
    const answer = await next();
    await this.#clock.sleep(kind.delay);
    return answer;
  };

  #strike(call: Call): FaultKind | undefined {
    const now = this.#now();
    for (const asked of this.#asked) {
      const { fault, until, random } = asked;
      if (now >= until || !isAbout(fault, call)) continue;
      asked.calls += 1;
      if (random.next() >= fault.share) continue;
      asked.struck += 1;
      return random.pick(fault.kinds);
    }
    return undefined;
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

function isAbout({ classes, policy }: Fault, call: Call): boolean {
  return (
    (classes === undefined || classes.includes(call.callClass)) && (policy === undefined || policy === call.policy)
  );
}

const CODES = { 429: 'ThrottlingException', 500: 'ServerError', 503: 'ServiceUnavailable' } as const;

function failure({ status, retryAfter }: Extract<FaultKind, { readonly status: number }>): Answer {
  const answer = errorAnswer(new HubError(CODES[status], 'A fault that was asked for'));
  if (retryAfter === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfter) } };
}
