import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHistory, createJournal } from '../../../shared/drift/index.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import { createDeadLetters, createDeferredQueue, deferredQueueName } from '../../../shared/retry/index.ts';
import { openQueue } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { disturbedStorage, type ServiceState } from '../../support/storage-proxy.ts';
import { brief, newDeviceId, quiet, startWorld, type World } from '../../support/world.ts';
import { agent } from './settled-device.ts';

let world: World;
let storage: Awaited<ReturnType<typeof disturbedStorage>>;
let processor: EventProcessor;

beforeAll(async () => {
  world = await startWorld();
  storage = await disturbedStorage(world.storage.connectionString);
  const now = () => new Date();
  const deadLetters = createDeadLetters(storage.account, now);
  processor = new EventProcessor({
    reconciler: new Reconciler({
      policies: toPolicySet([agent], { mode: 'enforce' }),
      hub: world.hubClient,
      journal: createJournal(storage.account, now),
      log: quiet,
    }),
    queue: createDeferredQueue(storage.account, deadLetters),
    deadLetters,
    log: quiet,
    retry: { firstDelay: 0, attempts: 9 },
  });
});
afterAll(async () => {
  await Promise.all([world.close(), storage.close()]);
});
beforeEach(() => {
  setStates('works', 'works');
});

function setStates(tables: ServiceState, queues: ServiceState): void {
  storage.tables.state = tables;
  storage.queues.state = queues;
}

/** Creates devices whose modules are in line, and disturbs each module once. Returns the events of these changes. */
async function disturbedDevices(count: number) {
  const devices = Array.from({ length: count }, () => newDeviceId());
  const twinkeeper = world.withPolicies([agent]);
  await world.operator.addDevices(devices.map((deviceId) => ({ deviceId })));
  await processor.process(twinkeeper.newEvents());
  twinkeeper.newEvents();
  for (const deviceId of devices) {
    await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired: { mode: 'Off' } } }, '*');
  }
  return { devices, events: twinkeeper.newEvents() as readonly RawEvent[] };
}

/** Handles the messages of the deferred queue, until there are none. */
async function handleDeferred(): Promise<void> {
  const queue = await openQueue(storage.account, deferredQueueName);
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    if (receivedMessageItems.length === 0) return;
    for (const { messageText, messageId, popReceipt } of receivedMessageItems) {
      await processor.retry(JSON.parse(Buffer.from(messageText, 'base64').toString()));
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
}

/** Expects that the history has each departure once, with a final outcome, and that the twins are in line. */
async function expectMendedOnce(devices: readonly string[]): Promise<void> {
  const history = createHistory(storage.account, () => new Date());
  for (const deviceId of devices) {
    expect(brief((await collect(history.rows({ deviceId }))).toReversed())).toEqual([
      ['missingModule', '', 'created'],
      ['wrongValue', 'mode', 'enforced'],
    ]);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High' });
  }
}

describe('an invocation, while storage is disturbed', () => {
  it.each<ServiceState>(['hangs', 'unavailable'])('puts its work off, when the tables are: %s', async (state) => {
    const { devices, events } = await disturbedDevices(20);
    setStates(state, 'works');
    expect(await processor.process(events)).toMatchObject({ devices: 20, deferred: 20 });
    setStates('works', 'works');
    await handleDeferred();
    await expectMendedOnce(devices);
  });

  it('fails soon when it cannot hand its work over, so that the host calls it again with all events', async () => {
    const { devices, events } = await disturbedDevices(100);
    setStates('hangs', 'hangs');
    const before = storage.tables.requests;
    await expect(processor.process(events)).rejects.toThrow('did not answer within');
    // The first sixteen devices could not be handed over. The others were not begun: each would have read its rows with two tries.
    expect(storage.tables.requests - before).toBeLessThan(2 * 100);
    setStates('works', 'works');
    await processor.process(events);
    await handleDeferred();
    await expectMendedOnce(devices);
  });

  it('records each departure once when the tables carry out writes and lose the answers', async () => {
    const { devices, events } = await disturbedDevices(10);
    storage.tables.next = Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 'losesAnswers' : 'works'));
    await processor.process(events);
    storage.tables.next = [];
    await handleDeferred();
    await expectMendedOnce(devices);
  });
});
