import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import { createDeadLetters } from '../../../shared/retry/index.ts';
import { rawEvent } from '../../support/arbitraries.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';
import { quiet } from '../../support/world.ts';
import { sendThroughQueue } from '../retry/send-through-queue.ts';
import { agent, newWorld } from './memory-world.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});

describe('parked events', () => {
  it('are removed after the retry and not before', async () => {
    const deadLetters = createDeadLetters(azurite.endpoints, () => new Date());
    const events = [rawEvent('updateTwin', { text: randomBytes(100_000).toString('base64') }, 'd', 'm')];
    const deferral = { deviceId: 'd', events, attempt: 1, reason: 'r' };
    const message = await sendThroughQueue(azurite.endpoints, deadLetters, deferral);
    expect(await collect(deadLetters.list())).toMatchObject([{ state: 'parked', deviceId: 'd' }]);
    const world = newWorld();
    const processor = new EventProcessor({
      reconciler: new Reconciler({
        policies: toPolicySet([agent], { mode: 'enforce' }),
        hub: world.hub,
        journal: world.journal,
        log: quiet,
      }),
      queue: { put: async () => undefined },
      deadLetters,
      log: quiet,
      retry: { firstDelay: 1, attempts: 3 },
    });
    expect(await processor.retry(message)).toMatchObject({ events: 1 });
    expect(await collect(deadLetters.list())).toEqual([]);
    // The queue may deliver a message twice. At the second delivery, the events are processed already, and the parked letter is removed.
    expect(await processor.retry(message)).toMatchObject({ events: 0 });
  });
});
