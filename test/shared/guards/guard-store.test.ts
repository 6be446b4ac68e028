import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/clock.ts';
import { type CompetingSetting, createGuardStore, type GuardStore } from '../../../shared/guards/index.ts';
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
    if (url.includes('/TwinkeeperGuards') || url.includes('/$batch')) counts[method === 'GET' ? 'reads' : 'writes']++;
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

let twins = 0;
const newTwin = () => ({ deviceId: `device-${++twins}`, moduleId: 'Agent' });

/** Reserves `count` twins that were never reserved before. Returns how many were granted. */
async function reserve(store: GuardStore, policy: string, count: number, limit: number): Promise<number> {
  const granted = await Promise.all(Array.from({ length: count }, () => store.reserveTwin(policy, newTwin(), limit)));
  return granted.filter(Boolean).length;
}

describe('the twins of a policy', () => {
  it('are granted up to the limit', async () => {
    const policy = newPolicy();
    const store = newStore(clockAt().clock);
    expect(await reserve(store, policy, 4, 10)).toBe(4);
    expect(await reserve(store, policy, 4, 10)).toBe(4);
    expect(await reserve(store, policy, 4, 10)).toBe(2);
    expect(await reserve(store, policy, 1, 10)).toBe(0);
    expect(await reserve(store, newPolicy(), 10, 10)).toBe(10);
  });

  it('are granted in any number', async () => {
    const policy = newPolicy();
    expect(await reserve(newStore(clockAt().clock), policy, 250, 220)).toBe(220);
    expect(await reserve(newStore(clockAt().clock), policy, 1, 221)).toBe(1);
  });

  it('count once an hour, in all instances', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    const [first, second] = [newTwin(), { ...newTwin(), deviceId: 'a!b#' }];
    const store = newStore(clock);
    const both = await Promise.all([first, first, second].map((twin) => store.reserveTwin(policy, twin, 2)));
    expect(both).toEqual([true, true, true]);
    advance(59 * minute);
    expect(await newStore(clock).reserveTwin(policy, first, 2)).toBe(true);
    expect(await newStore(clock).reserveTwin(policy, second, 2)).toBe(true);
    expect(await newStore(clock).reserveTwin(policy, { ...first, moduleId: 'Other' }, 2)).toBe(false);
    expect(await newStore(clock).reserveTwin(newPolicy(), newTwin(), 1)).toBe(true);
    // The second change is the one that counts now. Otherwise four twins could change within two minutes.
    advance(2 * minute);
    expect(await reserve(newStore(clock), policy, 2, 2)).toBe(0);
    expect(await newStore(clock).reserveTwin(policy, first, 2)).toBe(true);
    advance(59 * minute);
    expect(await reserve(newStore(clock), policy, 2, 2)).toBe(1);
    expect(await newStore(clock).reserveTwin(policy, second, 2)).toBe(false);
  });

  it('never exceed the limit in any hour, however often they are changed', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    const fleet = Array.from({ length: 6 }, newTwin);
    const changed: { time: number; twin: string }[] = [];
    for (let step = 0; step < 60; step++) {
      const store = newStore(clock);
      for (const twin of [
        fleet[step % fleet.length] ?? newTwin(),
        fleet[(step * 5 + (step % 4)) % fleet.length] ?? newTwin(),
      ]) {
        if (await store.reserveTwin(policy, twin, 3)) {
          changed.push({ time: clock.now().getTime(), twin: twin.deviceId });
        }
      }
      advance((step % 3) * 9 * minute);
    }
    for (const { time } of changed) {
      const inHour = changed.filter((other) => other.time >= time && other.time <= time + 60 * minute);
      expect(new Set(inHour.map(({ twin }) => twin)).size).toBeLessThanOrEqual(3);
    }
    expect(changed.length).toBeGreaterThan(20);
  });

  it('count for an hour, also after a restart', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    await reserve(newStore(clock), policy, 3, 3);
    advance(30 * minute);
    expect(await reserve(newStore(clock), policy, 1, 4)).toBe(1);
    advance(29 * minute);
    expect(await reserve(newStore(clock), policy, 1, 4)).toBe(0);
    advance(2 * minute);
    expect(await reserve(newStore(clock), policy, 9, 4)).toBe(3);
  });

  it('never exceed the limit when many instances and passes compete', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const stores = Array.from({ length: 6 }, () => newStore(clock));
    const granted = await Promise.all(stores.map((store) => reserve(store, policy, 32, 100)));
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(100);
    expect(await reserve(newStore(clock), policy, 1, 100)).toBe(0);
  });

  it('count once when many instances reserve the same twin', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const twin = newTwin();
    const stores = Array.from({ length: 6 }, () => newStore(clock));
    expect(await Promise.all(stores.map((store) => store.reserveTwin(policy, twin, 1)))).not.toContain(false);
    expect(await reserve(newStore(clock), policy, 9, 5)).toBe(4);
  });

  it('are all granted when instances compete and there is room for all', async () => {
    const policy = newPolicy();
    const { clock } = clockAt();
    const stores = Array.from({ length: 6 }, () => newStore(clock));
    const granted = await Promise.all(stores.map((store) => reserve(store, policy, 9, 60)));
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(54);
    expect(await reserve(newStore(clock), policy, 100, 60)).toBe(6);
  });

  it('need one update for passes that run at the same time', async () => {
    await using proxy = await startCountingProxy();
    const { clock } = clockAt();
    const store = newStore(clock, proxy.endpoints);
    const policy = newPolicy();
    expect(await reserve(store, policy, 16, 10)).toBe(10);
    // The reads are one of the count and one for each twin.
    expect(proxy.counts).toEqual({ reads: 1 + 16, writes: 1 });
    expect(await reserve(store, policy, 1, 10)).toBe(0);
    expect(proxy.counts).toEqual({ reads: 1 + 16 + 2, writes: 1 });
  });

  it('are rejected for all waiting passes while storage refuses, and granted later', async () => {
    const { clock } = clockAt();
    const policy = newPolicy();
    {
      await using proxy = await startCountingProxy();
      const store = newStore(clock, proxy.endpoints);
      await reserve(store, policy, 1, 5);
      proxy.refuse();
      const outcomes = await Promise.allSettled([
        store.reserveTwin(policy, newTwin(), 5),
        store.reserveTwin(policy, newTwin(), 5),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await expect(store.reserveTwin(policy, newTwin(), 5)).rejects.toThrow();
      await expect(store.hasRoomFor(policy, newTwin(), 5)).rejects.toThrow();
      await expect(store.competing()).rejects.toThrow();
    }
    expect(await reserve(newStore(clock), policy, 9, 5)).toBe(4);
  });
});

describe('the room of a policy', () => {
  it('is what a reservation would find, and asking takes none of it', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    const store = newStore(clock);
    const counted = newTwin();
    expect(await store.hasRoomFor(policy, counted, 0)).toBe(false);
    expect(await store.hasRoomFor(policy, counted, 1)).toBe(true);
    await store.reserveTwin(policy, counted, 1);
    expect(await store.hasRoomFor(policy, newTwin(), 1)).toBe(false);
    expect(await store.hasRoomFor(policy, counted, 1)).toBe(true);
    expect(await store.hasRoomFor(policy, newTwin(), 2)).toBe(true);
    await store.release(policy);
    expect(await store.hasRoomFor(policy, newTwin(), 0)).toBe(true);
    advance(60 * minute);
    expect(await store.hasRoomFor(policy, newTwin(), 0)).toBe(false);
  });
});

describe('the removal of old twins', () => {
  it('keeps the twins that still count, and the release', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    const store = newStore(clock, (await newStorageAccount()).endpoints);
    await reserve(store, policy, 120, 1000);
    advance(100 * minute);
    const young = newTwin();
    await store.reserveTwin(policy, young, 1);
    advance(30 * minute);
    expect(await store.removeExpired(() => false)).toEqual({ isUnfinished: true });
    expect(await store.removeExpired(() => true)).toEqual({ isUnfinished: false });
    expect(await store.removeExpired(() => false)).toEqual({ isUnfinished: false });
    expect(await store.reserveTwin(policy, young, 1)).toBe(true);
    expect(await reserve(store, policy, 1, 1)).toBe(0);
  });
});

describe('a release', () => {
  it('lifts the limit for an hour in all instances, and the count starts again after it', async () => {
    const policy = newPolicy();
    const { clock, advance } = clockAt();
    const store = newStore(clock);
    await reserve(store, policy, 2, 2);
    expect(await reserve(store, policy, 1, 2)).toBe(0);

    expect(await newStore(clock).release(policy)).toEqual(new Date(clock.now().getTime() + 60 * minute));
    expect(await store.releasedAt(policy)).toEqual(clock.now());
    expect(await reserve(store, policy, 500, 2)).toBe(500);
    advance(60 * minute - 1);
    expect(await reserve(newStore(clock), policy, 500, 2)).toBe(500);
    advance(1);
    expect(await reserve(store, policy, 500, 2)).toBe(2);
    expect(await reserve(store, policy, 500, 2)).toBe(0);
    expect(await store.releasedAt(policy)).toEqual(new Date(clock.now().getTime() - 60 * minute));
  });

  it('affects only its policy, which may have no twins yet', async () => {
    const { clock } = clockAt();
    const store = newStore(clock);
    const [released, other] = [newPolicy(), newPolicy()];
    await store.release(released);
    expect(await reserve(store, released, 7, 1)).toBe(7);
    expect(await reserve(store, other, 7, 1)).toBe(1);
    expect(await store.releasedAt(other)).toBeUndefined();
  });

  it('is not lost when twins are counted at the same time', async () => {
    const { clock } = clockAt();
    for (let round = 0; round < 10; round++) {
      const policy = newPolicy();
      const store = newStore(clock);
      await Promise.all([
        reserve(store, policy, 1, 1),
        newStore(clock).release(policy),
        reserve(newStore(clock), policy, 1, 1),
      ]);
      expect(await reserve(store, policy, 9, 1)).toBe(9);
    }
  });

  it('accepts any policy name', async () => {
    const store = newStore(clockAt().clock);
    await store.release('no/policy\\at #all?');
    expect(await reserve(store, 'no/policy\\at #all?', 3, 1)).toBe(3);
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

  it('keeps the time at which the competing settings were stored', async () => {
    const { clock, advance } = clockAt();
    const store = newStore(clock, (await newStorageAccount()).endpoints);
    expect(await store.configurationsReadAt()).toBeUndefined();
    await store.putCompeting([]);
    advance(minute);
    expect(await store.configurationsReadAt()).toEqual(new Date(clock.now().getTime() - minute));
  });
});
