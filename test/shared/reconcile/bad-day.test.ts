import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectToHub, type Hub } from '../../../shared/hub/index.ts';
import { intercepted } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { brief } from '../../support/world.ts';
import { newWorld, toQueueMessage } from './memory-world.ts';

/** Creates a world with drifted devices and the events of their drift. */
async function driftedWorld(count: number, options: Parameters<typeof newWorld>[2] = {}) {
  let isBroken = false;
  const world = newWorld(undefined, undefined, {
    ...options,
    throughHub: (hub) => {
      const broken = options.throughHub?.(hub) ?? hub;
      return new Proxy(hub, { get: (target, key) => Reflect.get(isBroken ? broken : target, key) as unknown });
    },
  });
  const devices = Array.from({ length: count }, (_, index) => `d${index}`);
  for (const deviceId of devices) world.registry.create({ deviceId }, {});
  await world.processor.process(world.newEvents());
  world.newEvents();
  for (const deviceId of devices)
    world.registry.patchTwin({ deviceId, moduleId: 'm' }, { desired: { mode: 'Off' } }, '*');
  isBroken = true;
  const events = world.newEvents();
  return {
    ...world,
    devices,
    events,
    mend: () => {
      isBroken = false;
    },
  };
}

describe('an invocation', () => {
  it('hands over each device as soon as its work has ended', async () => {
    const reads: { deviceId: string; fail(): void }[] = [];
    const world = await driftedWorld(3, {
      throughHub: (hub) =>
        intercepted(hub, (call, args) => {
          if (call !== 'readTwin') return undefined;
          return new Promise((resolve) =>
            reads.push({
              deviceId: String(args[0]),
              fail: () => resolve({ ok: false, problem: { type: 'transient', message: 'no answer' } }),
            }),
          );
        }),
    });
    const processing = world.processor.process(world.events);
    await expect.poll(() => reads.length).toBe(3);
    for (const [index, { deviceId, fail }] of reads.entries()) {
      fail();
      await expect.poll(() => world.deferred.length).toBe(index + 1);
      expect(world.deferred.at(-1)?.deferral.deviceId).toBe(deviceId);
    }
    await processing;
  });

  it('begins no device after its deadline, and hands the rest over without a failed attempt', async () => {
    const clock = new MovableClock();
    let reads = 0;
    const world = await driftedWorld(100, {
      processorClock: clock,
      throughHub: (hub) =>
        intercepted(hub, (call, args) => {
          if (call !== 'readTwin') return undefined;
          reads += 1;
          clock.pass(30_000);
          return hub.readTwin(...(args as Parameters<Hub['readTwin']>));
        }),
    });
    expect(await world.processor.process(world.events)).toMatchObject({ devices: 100 });
    // Sixteen devices are worked on at the same time, and each read takes 30 of the 240 seconds.
    expect(reads).toBeLessThanOrEqual(24);
    expect(world.deferred.length).toBe(100 - reads);
    for (const { deferral } of world.deferred) expect(deferral).toMatchObject({ attempt: 0 });

    world.mend();
    for (const { deferral } of [...world.deferred]) await world.processor.retry(await toQueueMessage(deferral));
    for (const deviceId of world.devices) {
      expect(brief(await world.history(deviceId)).at(-1)).toEqual(['wrongValue', 'mode', 'enforced']);
    }
  });

  it('hands 256 devices over soon, when the hub accepts calls and never answers', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let calls = 0;
    const silent = connectToHub(
      { connectionString: `HostName=localhost:${port};SharedAccessKeyName=a;SharedAccessKey=a2V5` },
      {
        deadline: 300,
        total: 600,
        firstDelay: 10,
        budget: { tier: 'S3', units: 10, share: 1 },
        onCalled: () => {
          calls += 1;
        },
      },
    );
    try {
      const world = await driftedWorld(256, { throughHub: () => silent });
      expect(await world.processor.process(world.events)).toMatchObject({ devices: 256, deferred: 256 });
      expect(world.deferred).toHaveLength(256);
      // The first sixteen devices wait for an answer. Then the breaker is open, and the others wait for nothing.
      expect(calls).toBeLessThanOrEqual(2 * 16);
      world.mend();
      for (const { deferral } of [...world.deferred]) await world.processor.retry(await toQueueMessage(deferral));
      for (const deviceId of world.devices) {
        expect(brief(await world.history(deviceId))).toEqual([
          ['missingModule', '', 'created'],
          ['wrongValue', 'mode', 'enforced'],
        ]);
      }
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
