import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/clock.ts';
import { type CompetingSetting, createGuardStore } from '../../../shared/guards/index.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});

const minute = 60_000;

/** A clock that moves only when the test calls `advance`. `sleep` waits for one turn of the event loop. */
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

/** Creates a new guard store, as a new instance of the app does. */
const newStore = (clock: Clock, endpoints: { readonly connectionString: string } = azurite.endpoints) =>
  createGuardStore(endpoints, { clock });

/**
 * Starts a proxy in front of the table service. The proxy counts the requests that read and write entities, and can refuse all requests.
 */
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
  it('are granted up to the limit, the last request in part', async () => {
    const policy = newPolicy();
    const store = newStore(clockAt().clock);
    expect(await store.reserveOverwrites(policy, 4, 10)).toBe(4);
    expect(await store.reserveOverwrites(policy, 4, 10)).toBe(4);
    expect(await store.reserveOverwrites(policy, 4, 10)).toBe(2);
    expect(await store.reserveOverwrites(policy, 1, 10)).toBe(0);
    expect(await store.reserveOverwrites(newPolicy(), 10, 10)).toBe(10);
  });

  it('count for an hour, also after a restart', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    await newStore(clock).reserveOverwrites(policy, 3, 3);
    advance(30 * minute);
    expect(await newStore(clock).reserveOverwrites(policy, 1, 4)).toBe(1);
    advance(29 * minute);
    expect(await newStore(clock).reserveOverwrites(policy, 1, 4)).toBe(0);
    advance(2 * minute);
    expect(await newStore(clock).reserveOverwrites(policy, 9, 4)).toBe(3);
  });

  it('never exceed the limit when many instances and passes compete', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const stores = Array.from({ length: 6 }, () => newStore(clock));
    const requests = stores.flatMap((store) =>
      Array.from({ length: 16 }, (_, index) => [store, 1 + (index % 3)] as const),
    );
    const granted = await Promise.all(requests.map(([store, count]) => store.reserveOverwrites(policy, count, 100)));
    expect(requests.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(100);
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(100);
    for (const [index, [, count]] of requests.entries()) expect(granted[index]).toBeLessThanOrEqual(count);
    expect(await newStore(clock).reserveOverwrites(policy, 1, 100)).toBe(0);
  });

  it('are all granted when instances compete and there is room for all', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const stores = Array.from({ length: 6 }, () => newStore(clock));
    const granted = await Promise.all(
      stores.flatMap((store) => [2, 3, 4].map((count) => store.reserveOverwrites(policy, count, 60))),
    );
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(54);
    expect(await newStore(clock).reserveOverwrites(policy, 100, 60)).toBe(6);
  });

  it('need one read and one write for passes that run at the same time', async () => {
    await using proxy = await startCountingProxy();
    const { clock } = clockAt();
    const store = newStore(clock, proxy.endpoints);
    const policy = newPolicy();
    const granted = await Promise.all(Array.from({ length: 16 }, () => store.reserveOverwrites(policy, 1, 10)));
    expect(granted).toEqual([...Array<number>(10).fill(1), ...Array<number>(6).fill(0)]);
    expect(proxy.counts).toEqual({ reads: 1, writes: 1 });
    expect(await store.reserveOverwrites(policy, 1, 10)).toBe(0);
    expect(proxy.counts).toEqual({ reads: 2, writes: 1 });
  });

  it('are rejected for all waiting passes while storage refuses, and granted later', async () => {
    const { clock } = clockAt();
    const policy = newPolicy();
    {
      await using proxy = await startCountingProxy();
      const store = newStore(clock, proxy.endpoints);
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
    expect(await newStore(clock).reserveOverwrites(policy, 9, 5)).toBe(4);
  });
});

describe('a release', () => {
  it('lifts the limit for an hour in all instances, and the count starts again after it', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    const store = newStore(clock);
    await store.reserveOverwrites(policy, 2, 2);
    expect(await store.reserveOverwrites(policy, 1, 2)).toBe(0);

    expect(await newStore(clock).release(policy)).toEqual(new Date(clock.now().getTime() + 60 * minute));
    expect(await store.releasedAt(policy)).toEqual(clock.now());
    expect(await store.reserveOverwrites(policy, 500, 2)).toBe(500);
    advance(60 * minute - 1);
    expect(await newStore(clock).reserveOverwrites(policy, 500, 2)).toBe(500);
    advance(1);
    expect(await store.reserveOverwrites(policy, 500, 2)).toBe(2);
    expect(await store.reserveOverwrites(policy, 500, 2)).toBe(0);
    expect(await store.releasedAt(policy)).toEqual(new Date(clock.now().getTime() - 60 * minute));
  });

  it('affects only its policy, which may have no overwrites yet', async () => {
    const { clock } = clockAt();
    const store = newStore(clock);
    const [released, other] = [newPolicy(), newPolicy()];
    await store.release(released);
    expect(await store.reserveOverwrites(released, 7, 1)).toBe(7);
    expect(await store.reserveOverwrites(other, 7, 1)).toBe(1);
    expect(await store.releasedAt(other)).toBeUndefined();
  });

  it('is not lost when overwrites are counted at the same time', async () => {
    const { clock } = clockAt();
    for (let round = 0; round < 10; round++) {
      const policy = newPolicy();
      const store = newStore(clock);
      await Promise.all([
        store.reserveOverwrites(policy, 1, 1),
        newStore(clock).release(policy),
        newStore(clock).reserveOverwrites(policy, 1, 1),
      ]);
      expect(await store.reserveOverwrites(policy, 9, 1)).toBe(9);
    }
  });

  it('accepts any policy name', async () => {
    const store = newStore(clockAt().clock);
    await store.release('no/policy\\at #all?');
    expect(await store.reserveOverwrites('no/policy\\at #all?', 3, 1)).toBe(3);
  });
});

describe('the guard store', () => {
  it('keeps the device count of each policy', async () => {
    const store = newStore(clockAt().clock);
    const policy = newPolicy();
    expect(await store.deviceCount(policy)).toBeUndefined();
    await store.putDeviceCount(policy, 1_000_000);
    await store.putDeviceCount(newPolicy(), 5);
    expect(await store.deviceCount(policy)).toBe(1_000_000);
    await store.putDeviceCount(policy, 0);
    expect(await store.deviceCount(policy)).toBe(0);
  });

  it('keeps a list of competing settings of any size, until the next list', async () => {
    const store = newStore(clockAt().clock);
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
    expect(await newStore(clockAt().clock).competing()).toEqual(settings);
    await store.putCompeting([]);
    expect(await store.competing()).toEqual([]);
  });
});
