/** The hub's throttles, which stand before every operation. */
import * as z from 'zod/mini';
import type { Clock } from '../../../shared/clock.ts';
import { checkOptions } from './check-options.ts';
import { HubError } from './errors.ts';
import { type Answer, errorAnswer, NoAnswer } from './http-edge.ts';
import type { Call, Middleware } from './http-service.ts';
import { THROTTLES, type ThrottleName, TIERS, type Tier, throttleLimits, throttleOf } from './throttle-limits.ts';
import { ThrottleQueue } from './throttle-queue.ts';

/** As plain data. The documentation says what the limits are, but of bursts and queues only that they exist: those numbers are ours. */
export interface ThrottleOptions {
  readonly tier: Tier;
  readonly units: number;
  /** Whether a bulk call counts as one identity operation (the default) or as many as it has entries. Azure does not say. */
  readonly bulkCost?: 'call' | 'entries';
  /** How many seconds' worth of a limit are let through at once after a rest: 60 unless given. */
  readonly burst?: number;
  /** How many seconds a call may be kept waiting before it is refused: 5 unless given. */
  readonly queue?: number;
}

const countOfUnits = 'must be a whole number, 1 or more';
const countOfSeconds = 'must be a number of seconds, 0 or more';
const seconds = z.number(countOfSeconds).check(z.gte(0, countOfSeconds));

const shape = z.strictObject(
  {
    tier: z.enum(TIERS, `must be one of ${TIERS.join(', ')}`),
    units: z.int(countOfUnits).check(z.gte(1, countOfUnits)),
    bulkCost: z.exactOptional(z.enum(['call', 'entries'], 'must be call or entries')),
    burst: z.exactOptional(seconds),
    queue: z.exactOptional(seconds),
  },
  `must be { tier, units, bulkCost?, burst?, queue? } and nothing else`,
);

interface Throttled {
  readonly options: Required<ThrottleOptions>;
  readonly queues: Readonly<Record<ThrottleName, ThrottleQueue>>;
}

/** All throttles of a hub; off until options are set. */
export class Throttle {
  readonly #clock: Clock;
  #on: Throttled | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is in force; undefined while they are off. */
  get options(): Required<ThrottleOptions> | undefined {
    return this.#on?.options;
  }

  /** Throttles from now on, as after a long rest: with a whole burst and nobody waiting. @throws {HubError} 400 on wrong options. */
  turnOn(options: unknown): void {
    const given = { bulkCost: 'call', burst: 60, queue: 5, ...checkOptions('throttle', shape, options) } as const;
    const limits = throttleLimits(given.tier, given.units);
    const queues = Object.fromEntries(
      THROTTLES.map((name) => [name, new ThrottleQueue({ ...given, perSecond: limits[name] }, this.#clock)]),
    ) as Record<ThrottleName, ThrottleQueue>;
    this.#on = { options: given, queues };
  }

  turnOff(): void {
    this.#on = undefined;
  }

  readonly middleware: Middleware = async (call, next): Promise<Answer> => {
    const name = throttleOf(call.callClass);
    if (this.#on === undefined || name === undefined) return next();
    const { options, queues } = this.#on;
    const turn = await queues[name].enter(options.bulkCost === 'entries' ? entriesOf(call) : 1, call.request.signal);
    switch (turn.type) {
      case 'served':
        return next();
      case 'gone':
        throw new NoAnswer('The client left while its call was waiting for its turn.');
      case 'refused': {
        const error = new HubError('ThrottlingException', `The ${name} operations of this hub are over their limit`);
        const answer = errorAnswer(error);
        return { ...answer, headers: { ...answer.headers, 'retry-after': String(turn.retryAfter) } };
      }
    }
  };
}

/** What a body that is no list of entries costs matters to nobody: it will be refused. */
function entriesOf({ callClass, request }: Call): number {
  if (callClass !== 'bulk') return 1;
  try {
    const body = request.json();
    return Array.isArray(body) ? Math.max(1, body.length) : 1;
  } catch {
    return 1;
  }
}
