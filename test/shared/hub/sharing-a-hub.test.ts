import { describe, expect, it } from 'vitest';
import { Bucket } from '../../../shared/hub/bucket.ts';
import { VirtualClock } from './virtual-clock.ts';

/**
 * A hub that throttles as documented: lets a burst through, then keeps calls waiting for some seconds, then refuses. What it says in
 * `Retry-After` is not documented: when there will be room, a fixed number of seconds, or nothing.
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

  /** Rejects nothing: says what a refused call is to wait for. */
  async ask(): Promise<{ readonly refused: false } | { readonly refused: true; readonly retryAfter?: number }> {
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
  readonly perSecond: number;
  readonly burst: number;
  /** Seconds that a call may wait. */
  readonly queue: number;
  readonly cost: number;
  readonly retryAfter: 'until there is room' | 'none' | number;
}

interface Crowd {
  readonly instances: number;
  /** What each believes that it may use, in calls per second. */
  readonly budget: number;
  /** What is measured, in seconds, after the first minute. */
  readonly seconds: number;
}

/** Instances that always have more to do, each with a few calls under way. */
async function settle({ instances, budget, seconds }: Crowd, options: HubOptions) {
  const clock = new VirtualClock();
  const random = randomFrom(instances * 7919 + Math.round(options.perSecond * 100));
  const hub = new ThrottledHub(clock, options);
  const answered = Array<number>(instances).fill(0);
  let refused = 0;
  const firstMinute = 60_000;
  const measuring = () => clock.time >= firstMinute && clock.time < firstMinute + seconds * 1000;

  async function work(bucket: Bucket, instance: number): Promise<void> {
    while (clock.time < firstMinute + seconds * 1000) {
      const permit = await bucket.acquire('events', Number.POSITIVE_INFINITY);
      await clock.sleep(20 + 30 * random());
      const answer = await hub.ask();
      if (!answer.refused) answered[instance] = (answered[instance] ?? 0) + (measuring() ? 1 : 0);
      else {
        refused += measuring() ? 1 : 0;
        if (permit.granted) permit.refused(answer.retryAfter);
        await clock.sleep(250 + 500 * random());
      }
    }
  }

  for (let instance = 0; instance < instances; instance++) {
    const bucket = new Bucket({ perSecond: budget, clock, random });
    for (let worker = 0; worker < 4; worker++) void work(bucket, instance);
  }
  await clock.pass(firstMinute + seconds * 1000);
  const total = answered.reduce((sum, count) => sum + count, 0);
  return {
    /** The part of the hub's limit that was used. */
    used: (total * options.cost) / (options.perSecond * seconds),
    refused: refused / (refused + total),
    /** Jain's index: 1 where all had the same, 1/n where one had all. */
    fairness: total ** 2 / (instances * answered.reduce((sum, count) => sum + count ** 2, 0)),
  };
}

/** Always the same numbers, so that a failure can be looked into. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const retryAfters = ['until there is room', 10, 30, 'none'] as const;

describe('instances that share a hub and know nothing of each other', () => {
  /** One S1 unit's identity operations, of which each instance takes half for its own. */
  const identity = { perSecond: 100 / 60, queue: 5, cost: 1 };
  it.each(
    [2, 4, 8].flatMap((instances) =>
      [10, 100].flatMap((burst) => retryAfters.map((retryAfter) => [instances, burst, retryAfter] as const)),
    ),
  )(
    'settle under its limit and have much the same (%i, burst %i, Retry-After %s)',
    async (instances, burst, retryAfter) => {
      const crowd = { instances, budget: identity.perSecond / 2, seconds: 7200 };
      const { used, refused, fairness } = await settle(crowd, { ...identity, burst, retryAfter });
      expect(used).toBeGreaterThan(0.9);
      expect(used).toBeLessThan(1.05);
      expect(refused).toBeLessThan(0.03);
      expect(fairness).toBeGreaterThan(0.75);
    },
  );

  it('settle where the limit is high and many calls are under way', async () => {
    const twins = { perSecond: 50, burst: 50, queue: 0, cost: 1, retryAfter: 1 };
    const { used, refused, fairness } = await settle({ instances: 4, budget: 25, seconds: 600 }, twins);
    expect(used).toBeGreaterThan(0.9);
    expect(refused).toBeLessThan(0.01);
    expect(fairness).toBeGreaterThan(0.75);
  });

  it('are not refused at all where their budgets fit into the limit together', async () => {
    const crowd = { instances: 2, budget: identity.perSecond / 2, seconds: 3600 };
    const { used, refused } = await settle(crowd, { ...identity, burst: 100, retryAfter: 10 });
    expect(used).toBeCloseTo(1, 1);
    expect(refused).toBe(0);
  });
});

describe('an instance that takes a bulk call for one operation', () => {
  it.each(retryAfters)(
    'finds the hundredth of its budget that is left where the hub counts entries, and uses it (Retry-After %s)',
    async (retryAfter) => {
      const options = { perSecond: 100 / 60, burst: 100, queue: 5, cost: 100, retryAfter };
      const { used, refused } = await settle({ instances: 1, budget: 100 / 60, seconds: 7200 }, options);
      expect(used).toBeGreaterThan(0.9);
      expect(refused).toBeLessThan(0.2);
    },
  );

  it('has all of its budget where the hub counts calls', async () => {
    const options = { perSecond: 100 / 60, burst: 100, queue: 5, cost: 1, retryAfter: 10 };
    const { used, refused } = await settle({ instances: 1, budget: 100 / 60, seconds: 3600 }, options);
    expect(used).toBeCloseTo(1, 1);
    expect(refused).toBe(0);
  });
});
