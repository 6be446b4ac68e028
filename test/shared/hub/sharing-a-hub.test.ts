import { describe, expect, it } from 'vitest';
import { OperationBudget } from '../../../shared/hub/operation-budget.ts';
import { VirtualClock } from './virtual-clock.ts';

/**
 * A simulated hub that throttles as the documentation of IoT Hub says: it accepts a burst of calls, then delays calls for some seconds,
 * and then refuses calls. The documentation does not say which time `Retry-After` contains. So the tests use three kinds: the time until
 * the hub accepts a call, a fixed number of seconds, and no header.
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

  /**
   * Handles one call to the hub. Never rejects. The result of a refused call has `retryAfter` in milliseconds, unless the hub sends no
   * `Retry-After`.
   */
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
  /** Limit of the hub, in operations per second. */
  readonly perSecond: number;
  readonly burst: number;
  /** Maximum number of seconds for which the hub delays a call. A call that would wait longer is refused. */
  readonly queue: number;
  /** Number of operations as which the hub counts one call. */
  readonly cost: number;
  readonly retryAfter: 'until there is room' | 'none' | number;
}

interface Instances {
  readonly instances: number;
  /** Budget of each instance, in calls per second. */
  readonly budget: number;
  /** Length of the measurement in seconds. The measurement starts one minute after the start of the simulation. */
  readonly seconds: number;
}

/** Simulates app instances that share a hub and always have more calls to make. Each instance makes at most four calls at the same time. */
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
    /** The fraction of the hub's limit that the instances used. */
    used: (total * options.cost) / (options.perSecond * seconds),
    /** The fraction of all calls that the hub refused. */
    refused: refused / (refused + total),
    /** Jain's fairness index. 1 when all instances made the same number of calls. 1/n when one of n instances made all calls. */
    fairness: total ** 2 / (instances * answered.reduce((sum, count) => sum + count ** 2, 0)),
  };
}

/** Returns pseudo-random numbers from 0 to 1. The same seed gives the same numbers, so that a failed test can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const retryAfters = ['until there is room', 10, 30, 'none'] as const;

describe('instances that share a hub without communicating', () => {
  /** The throttle of one S1 unit for identity operations. Each instance may use half of it. */
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
