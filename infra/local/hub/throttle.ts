/** The hub's throttles, as a middleware that delays or refuses calls over the limits. */
import * as z from 'zod/mini';
import type { Clock } from '../../../shared/clock.ts';
import { checkOptions } from './check-options.ts';
import { HubError } from './errors.ts';
import { type Answer, errorAnswer, NoAnswer } from './http-listener.ts';
import type { Middleware } from './http-service.ts';
import { operationsOf } from './operations.ts';
import { type ThrottleName, type Tier, throttleLimits, throttleNames, throttleOf, tiers } from './throttle-limits.ts';
import { ThrottleQueue } from './throttle-queue.ts';

/**
 * Options of the throttles, as plain JSON. Azure documents the limits, but not the sizes of bursts and queues. So the defaults of `burst`
 * and `queue` are assumptions.
 */
export interface ThrottleOptions {
  readonly tier: Tier;
  readonly units: number;
  /**
   * Whether a bulk call counts as one identity operation for each entry (`entries`, the default) or as one operation (`call`). Azure's page of
   * quotas says that a bulk call to create 50 devices counts 50 times.
   */
  readonly bulkCost?: 'call' | 'entries';
  /** Size of the burst that passes without a wait after a quiet time, in seconds of the limit. Default: 60. */
  readonly burst?: number;
  /** Longest wait of a call in seconds. A call that would have to wait longer is refused. Default: 5. */
  readonly queue?: number;
}

const countOfUnits = 'must be a whole number, 1 or more';
const countOfSeconds = 'must be a number of seconds, 0 or more';
const seconds = z.number(countOfSeconds).check(z.gte(0, countOfSeconds));

const schema = z.strictObject(
  {
    tier: z.enum(tiers, `must be one of ${tiers.join(', ')}`),
    units: z.int(countOfUnits).check(z.gte(1, countOfUnits)),
    bulkCost: z.exactOptional(z.enum(['call', 'entries'], 'must be call or entries')),
    burst: z.exactOptional(seconds),
    queue: z.exactOptional(seconds),
  },
  `must be { tier, units, bulkCost?, burst?, queue? } and nothing else`,
);

interface ActiveThrottle {
  readonly options: Required<ThrottleOptions>;
  readonly queues: Readonly<Record<ThrottleName, ThrottleQueue>>;
}

/** The throttles of a hub. They are off by default. */
export class Throttle {
  readonly #clock: Clock;
  #active: ActiveThrottle | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The current options, or `undefined` while throttling is off. */
  get options(): Required<ThrottleOptions> | undefined {
    return this.#active?.options;
  }

  /**
   * Turns throttling on. At first, a full burst is available and the queues are empty.
   * @throws {HubError} 400 if an option is invalid.
   */
  turnOn(options: unknown): void {
    const complete = {
      bulkCost: 'entries',
      burst: 60,
      queue: 5,
      ...checkOptions('throttle', schema, options),
    } as const;
    const limits = throttleLimits(complete.tier, complete.units);
    const queues = Object.fromEntries(
      throttleNames.map((name) => [name, new ThrottleQueue({ ...complete, perSecond: limits[name] }, this.#clock)]),
    ) as Record<ThrottleName, ThrottleQueue>;
    this.#active = { options: complete, queues };
  }

  turnOff(): void {
    this.#active = undefined;
  }

  /** Passes a call on at once, delays the call, or refuses the call with 429 and `Retry-After`. */
  readonly middleware: Middleware = async (call, next): Promise<Answer> => {
    const name = throttleOf(call.callClass);
    if (this.#active === undefined || name === undefined) return next();
    const { options, queues } = this.#active;
    const result = await queues[name].enter(
      options.bulkCost === 'entries' ? operationsOf(call) : 1,
      call.request.signal,
    );
    switch (result.type) {
      case 'served':
        return next();
      case 'disconnected':
        throw new NoAnswer('The client disconnected while its call was waiting.');
      case 'refused': {
        const error = new HubError('ThrottlingException', `The hub is over its limit of ${name} operations`);
        const answer = errorAnswer(error);
        return { ...answer, headers: { ...answer.headers, 'retry-after': String(result.retryAfter) } };
      }
    }
  };
}
