import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import type { Clock } from '../../../shared/clock.ts';
import { type CompetingSetting, createGuardStore } from '../../../shared/guards/index.ts';

let azurite: Awaited<ReturnType<typeof startAzurite>>;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const minute = 60_000;

/** A clock that stands still until it is moved. Pauses are real, and short. */
function clockAt(start = '2026-01-01T00:00:30Z') {
  let now = Date.parse(start);
  const clock: Clock = {
    now: () => new Date(now),
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  };
  return {
    clock,
    advance(milliseconds: number) {
      now += milliseconds;
    },
  };
}

let policies = 0;
const newPolicy = () => `policy-${++policies}`;

/** Another instance of the app, with its own clients. */
const open = (clock: Clock, endpoints: { readonly connectionString: string } = azurite.endpoints) =>
  createGuardStore(endpoints, { clock });

/** The table service with somebody in between, who counts the requests about entities and can refuse them. */
async function startCountingProxy() {
  const target = new URL(/TableEndpoint=([^;]+)/.exec(azurite.endpoints.connectionString)?.[1] ?? '');
  const counts = { reads: 0, writes: 0 };
  let refuses = false;
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '', headers } = incoming;
    if (url.includes('/TwinkeeperGuards')) counts[method === 'GET' ? 'reads' : 'writes']++;
    if (refuses) {
      incoming.resume();
      outgoing.writeHead(403).end();
      return;
    }
    const onward = request({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    counts,
    refuse() {
      refuses = true;
    },
    endpoints: {
      connectionString: azurite.endpoints.connectionString.replace(target.host, `127.0.0.1:${port}`),
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('the overwrites of a policy', () => {
  it('go through up to the limit, as many of the last ones as there is room for, and then no more', async () => {
    const policy = newPolicy();
    const store = open(clockAt().clock);
    expect(await store.reserveOverwrites(policy, 4, 10)).toBe(4);
    expect(await store.reserveOverwrites(policy, 4, 10)).toBe(4);
    expect(await store.reserveOverwrites(policy, 4, 10)).toBe(2);
    expect(await store.reserveOverwrites(policy, 1, 10)).toBe(0);
    expect(await store.reserveOverwrites(newPolicy(), 10, 10)).toBe(10);
  });

  it('are remembered over a restart, until an hour has gone by', async () => {
    const policy = newPolicy();
    const { clock, advance: pass } = clockAt();
    await open(clock).reserveOverwrites(policy, 3, 3);
    pass(30 * minute);
    expect(await open(clock).reserveOverwrites(policy, 1, 4)).toBe(1);
    pass(29 * minute);
    expect(await open(clock).reserveOverwrites(policy, 1, 4)).toBe(0);
    pass(2 * minute);
    expect(await open(clock).reserveOverwrites(policy, 9, 4)).toBe(3);
  });

  it('never exceed the limit, however many instances and passes race for it', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const stores = Array.from({ length: 6 }, () => open(clock));
    const wishes = stores.flatMap((store) =>
      Array.from({ length: 16 }, (_, index) => [store, 1 + (index % 3)] as const),
    );
    const granted = await Promise.all(wishes.map(([store, count]) => store.reserveOverwrites(policy, count, 100)));
    expect(wishes.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(100);
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(100);
    for (const [index, [, count]] of wishes.entries()) expect(granted[index]).toBeLessThanOrEqual(count);
    expect(await open(clock).reserveOverwrites(policy, 1, 100)).toBe(0);
  });

  it('all go through where instances race and there is room for all', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const stores = Array.from({ length: 6 }, () => open(clock));
    const granted = await Promise.all(
      stores.flatMap((store) => [2, 3, 4].map((count) => store.reserveOverwrites(policy, count, 60))),
    );
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(54);
    expect(await open(clock).reserveOverwrites(policy, 100, 60)).toBe(6);
  });

  it('of passes that run at the same time take one read and one write', async () => {
    await using proxy = await startCountingProxy();
    const { clock } = clockAt();
    const store = open(clock, proxy.endpoints);
    const policy = newPolicy();
    const granted = await Promise.all(Array.from({ length: 16 }, () => store.reserveOverwrites(policy, 1, 10)));
    expect(granted).toEqual([...Array<number>(10).fill(1), ...Array<number>(6).fill(0)]);
    expect(proxy.counts).toEqual({ reads: 1, writes: 1 });
    expect(await store.reserveOverwrites(policy, 1, 10)).toBe(0);
    expect(proxy.counts).toEqual({ reads: 2, writes: 1 });
  });

  it('do not go through where storage refuses, for any of those who wait, and do again once it does not', async () => {
    const { clock } = clockAt();
    const policy = newPolicy();
    {
      await using proxy = await startCountingProxy();
      const store = open(clock, proxy.endpoints);
      await store.reserveOverwrites(policy, 1, 5);
      proxy.refuse();
      const outcomes = await Promise.allSettled([
        store.reserveOverwrites(policy, 1, 5),
        store.reserveOverwrites(policy, 1, 5),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await expect(store.reserveOverwrites(policy, 1, 5)).rejects.toThrow();
      await expect(store.competing()).rejects.toThrow();
    }
    expect(await open(clock).reserveOverwrites(policy, 9, 5)).toBe(4);
  });
});

describe('a release', () => {
  it('lifts the limit for an hour, for every instance, and counting starts anew after it', async () => {
    const policy = newPolicy();
    const { clock, advance: pass } = clockAt();
    const store = open(clock);
    await store.reserveOverwrites(policy, 2, 2);
    expect(await store.reserveOverwrites(policy, 1, 2)).toBe(0);

    expect(await open(clock).release(policy)).toEqual(new Date(clock.now().getTime() + 60 * minute));
    expect(await store.releasedAt(policy)).toEqual(clock.now());
    expect(await store.reserveOverwrites(policy, 500, 2)).toBe(500);
    pass(60 * minute - 1);
    expect(await open(clock).reserveOverwrites(policy, 500, 2)).toBe(500);
    pass(1);
    expect(await store.reserveOverwrites(policy, 500, 2)).toBe(2);
    expect(await store.reserveOverwrites(policy, 500, 2)).toBe(0);
    expect(await store.releasedAt(policy)).toEqual(new Date(clock.now().getTime() - 60 * minute));
  });

  it('is of one policy only, which need not have done anything yet', async () => {
    const { clock } = clockAt();
    const store = open(clock);
    const [released, other] = [newPolicy(), newPolicy()];
    await store.release(released);
    expect(await store.reserveOverwrites(released, 7, 1)).toBe(7);
    expect(await store.reserveOverwrites(other, 7, 1)).toBe(1);
    expect(await store.releasedAt(other)).toBeUndefined();
  });

  it('is not lost to a count that was on its way', async () => {
    const { clock } = clockAt();
    for (let round = 0; round < 10; round++) {
      const policy = newPolicy();
      const store = open(clock);
      await Promise.all([
        store.reserveOverwrites(policy, 1, 1),
        open(clock).release(policy),
        open(clock).reserveOverwrites(policy, 1, 1),
      ]);
      expect(await store.reserveOverwrites(policy, 9, 1)).toBe(9);
    }
  });

  it('takes any name, since names that are no policy do no harm', async () => {
    const store = open(clockAt().clock);
    await store.release('no/policy\\at #all?');
    expect(await store.reserveOverwrites('no/policy\\at #all?', 3, 1)).toBe(3);
  });
});

describe('what a sweep has found', () => {
  it('is the number of devices of each policy', async () => {
    const store = open(clockAt().clock);
    const policy = newPolicy();
    expect(await store.deviceCount(policy)).toBeUndefined();
    await store.putDeviceCount(policy, 1_000_000);
    await store.putDeviceCount(newPolicy(), 5);
    expect(await store.deviceCount(policy)).toBe(1_000_000);
    await store.putDeviceCount(policy, 0);
    expect(await store.deviceCount(policy)).toBe(0);
  });

  it('is the list of competing settings, whatever its size, until the next one', async () => {
    const store = open(clockAt().clock);
    expect(await store.competing()).toEqual([]);
    const settings = Array.from(
      { length: 3000 },
      (_, index): CompetingSetting => ({
        configuration: `configuration-${index}`,
        targetCondition: "FROM devices.modules WHERE tags.a = 'ü'",
        priority: index,
        about: 'module',
        policy: 'p',
        module: 'M',
        path: `section.${crypto.randomUUID()}`,
        theirs: { value: [crypto.randomUUID(), null] },
        ...(index % 2 === 0 ? {} : { wanted: index }),
        overridden: index % 3 === 0,
      }),
    );
    await store.putCompeting(settings);
    expect(await open(clockAt().clock).competing()).toEqual(settings);
    await store.putCompeting([]);
    expect(await store.competing()).toEqual([]);
  });
});
