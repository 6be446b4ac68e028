import { describe, expect, it } from 'vitest';
import { OperationBudget } from '../../../shared/hub/operation-budget.ts';
import { VirtualClock } from './virtual-clock.ts';

/**
 * A hub that throttles as documented: it accepts a burst, then delays calls for some seconds, then refuses calls. The documentation does
 * not say what `Retry-After` contains. The tests try the time until there is room, a fixed number of seconds, and no header.
 */
class ThrottledHub {
  readonly #clock: VirtualClock;
  readonly #options: HubOptions;
  #room: number;
  #counted = 0;

  constructor(clock: VirtualClock, options: HubOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#room = options.burst;
  }

  /** Handles one call. Never rejects: a refused call resolves with `retryAfter` in milliseconds. */
  async handleCall(): Promise<{ readonly refused: false } | { readonly refused: true; readonly retryAfter?: number }> {
    const { perSecond, burst, queue, cost, retryAfter } = this.#options;
    this.#room = Math.min(burst, this.#room + ((this.#clock.time - this.#counted) / 1000) * perSecond);
    this.#counted = this.#clock.time;
    const wait = Math.max(0, (1 - this.#room) / perSecond);
    if (wait > queue) {
      if (retryAfter === 'none') return { refused: true };
      const seconds = retryAfter === 'until there is room' ? Math.floor(wait - queue) + 1 : retryAfter;
      return { refused: true, retryAfter: seconds * 1000 };
    }
    this.#room -= cost;
    if (wait > 0) await this.#clock.sleep(wait * 1000);
    return { refused: false };
  }
}

interface HubOptions {
  /** Operations per second. */
  readonly perSecond: number;
  readonly burst: number;
  /** Seconds for which the hub may delay a call. */
  readonly queue: number;
  /** Operations that one call counts as. */
  readonly cost: number;
  readonly retryAfter: 'until there is room' | 'none' | number;
}

interface Instances {
  readonly instances: number;
  /** Budget of each instance, in calls per second. */
  readonly budget: number;
  /** Seconds of the measurement, which starts after the first minute. */
  readonly seconds: number;
}

/** Runs instances that always have more calls to make. Each makes four calls at a time. */
async function simulate({ instances, budget, seconds }: Instances, options: HubOptions) {
  const clock = new VirtualClock();
  const random = randomFrom(instances * 7919 + Math.round(options.perSecond * 100));
  const hub = new ThrottledHub(clock, options);
  const answered = Array<number>(instances).fill(0);
  let refused = 0;
  const firstMinute = 60_000;
  const measuring = () => clock.time >= firstMinute && clock.time < firstMinute + seconds * 1000;

  async function work(bucket: OperationBudget, instance: number): Promise<void> {
    while (clock.time < firstMinute + seconds * 1000) {
      const permit = await bucket.acquire('events', Number.POSITIVE_INFINITY);
      await clock.sleep(20 + 30 * random());
      const answer = await hub.handleCall();
      if (!answer.refused) answered[instance] = (answered[instance] ?? 0) + (measuring() ? 1 : 0);
      else {
        refused += measuring() ? 1 : 0;
        if (permit.granted) permit.refused(answer.retryAfter);
        await clock.sleep(250 + 500 * random());
      }
    }
  }

  for (let instance = 0; instance < instances; instance++) {
    const bucket = new OperationBudget({ perSecond: budget, clock, random });
    for (let worker = 0; worker < 4; worker++) void work(bucket, instance);
  }
  await clock.pass(firstMinute + seconds * 1000);
  const total = answered.reduce((sum, count) => sum + count, 0);
  return {
    /** The part of the hub's limit that the instances used. */
    used: (total * options.cost) / (options.perSecond * seconds),
    /** The part of the calls that the hub refused. */
    refused: refused / (refused + total),
    /** Jain's fairness index: 1 when all instances made the same number of calls, 1/n when one made all of them. */
    fairness: total ** 2 / (instances * answered.reduce((sum, count) => sum + count ** 2, 0)),
  };
}

/** Pseudo-random numbers from a seed, so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const retryAfters = ['until there is room', 10, 30, 'none'] as const;

describe('instances that share a hub without communicating', () => {
  /** The identity operations of one S1 unit. Each instance has half of them as its budget. */
  const identity = { perSecond: 100 / 60, queue: 5, cost: 1 };
  it.each(
    [2, 4, 8].flatMap((instances) =>
      [10, 100].flatMap((burst) => retryAfters.map((retryAfter) => [instances, burst, retryAfter] as const)),
    ),
  )(
    'stay below its limit and get similar shares (%i instances, burst %i, Retry-After %s)',
    async (instances, burst, retryAfter) => {
      const load = { instances, budget: identity.perSecond / 2, seconds: 7200 };
      const { used, refused, fairness } = await simulate(load, { ...identity, burst, retryAfter });
      expect(used).toBeGreaterThan(0.9);
      expect(used).toBeLessThan(1.05);
      expect(refused).toBeLessThan(0.03);
      expect(fairness).toBeGreaterThan(0.75);
    },
  );

  it('stay below a high limit with many concurrent calls', async () => {
    const twins = { perSecond: 50, burst: 50, queue: 0, cost: 1, retryAfter: 1 };
    const { used, refused, fairness } = await simulate({ instances: 4, budget: 25, seconds: 600 }, twins);
    expect(used).toBeGreaterThan(0.9);
    expect(refused).toBeLessThan(0.01);
    expect(fairness).toBeGreaterThan(0.75);
  });

  it('are never refused when the sum of their budgets is within the limit', async () => {
    const load = { instances: 2, budget: identity.perSecond / 2, seconds: 3600 };
    const { used, refused } = await simulate(load, { ...identity, burst: 100, retryAfter: 10 });
    expect(used).toBeCloseTo(1, 1);
    expect(refused).toBe(0);
  });
});

describe('an instance that counts a bulk call as one operation', () => {
  it.each(retryAfters)(
    'adapts to a hundredth of its budget when the hub counts entries (Retry-After %s)',
    async (retryAfter) => {
      const options = { perSecond: 100 / 60, burst: 100, queue: 5, cost: 100, retryAfter };
      const { used, refused } = await simulate({ instances: 1, budget: 100 / 60, seconds: 7200 }, options);
      expect(used).toBeGreaterThan(0.9);
      expect(refused).toBeLessThan(0.2);
    },
  );

  it('uses its whole budget when the hub counts calls', async () => {
    const options = { perSecond: 100 / 60, burst: 100, queue: 5, cost: 1, retryAfter: 10 };
    const { used, refused } = await simulate({ instances: 1, budget: 100 / 60, seconds: 3600 }, options);
    expect(used).toBeCloseTo(1, 1);
    expect(refused).toBe(0);
  });
});
