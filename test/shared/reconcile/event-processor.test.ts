import { describe, expect, it } from 'vitest';
import { decodeEvent } from '../../../shared/events/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import { toRawEvents } from '../../../shared/retry/index.ts';
import { brief, quiet } from '../../support/world.ts';
import { agent, newWorld, toQueueMessage } from './memory-world.ts';

/** Creates a world with a device whose module drifted, and with the events of the drift. Every call of the hub then fails with a 503. */
async function unavailableHub() {
  const world = newWorld();
  world.registry.create({ deviceId: 'd' }, {});
  await world.processor.process(world.newEvents());
  world.newEvents();
  world.registry.patchTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { mode: 'Off' } }, '*');
  world.trouble.problem = { type: 'transient', message: '503 out of order' };
  return { ...world, events: world.newEvents() };
}

describe('a hub that does not answer', () => {
  it('leads to a deferred device with its events, and to deferred rows', async () => {
    const world = await unavailableHub();
    expect(await world.processor.process(world.events)).toMatchObject({ devices: 1, deferred: 1 });
    expect(world.deferred).toMatchObject([
      { delay: 10, deferral: { deviceId: 'd', attempt: 1, reason: '503 out of order' } },
    ]);
    expect(world.deferred[0]?.deferral.events).toEqual(world.events);
    expect(await world.history('d')).toMatchObject([
      { outcome: 'created' },
      { path: 'mode', outcome: 'deferred', error: '503 out of order' },
    ]);
  });

  it('is called again after growing delays, until events and rows are given up', async () => {
    const world = await unavailableHub();
    await world.processor.process(world.events);
    for (let index = 0; index < world.deferred.length; index++) {
      const entry = world.deferred[index];
      if (entry !== undefined) await world.processor.retry(await toQueueMessage(entry.deferral));
    }
    expect(world.deferred.map(({ delay, deferral }) => [delay, deferral.attempt])).toEqual([
      [10, 1],
      [20, 2],
      [40, 3],
    ]);
    const deadLetters = await world.deadLetters.all();
    expect(deadLetters).toMatchObject([
      { deviceId: 'd', state: 'dead', reason: 'given up after 4 tries: 503 out of order' },
    ]);
    expect(toRawEvents(deadLetters[0]?.event).map(decodeEvent)).toEqual(world.events.map(decodeEvent));
    expect(await world.history('d')).toMatchObject([
      { outcome: 'created' },
      { path: 'mode', outcome: 'failed', error: 'given up after 4 tries: 503 out of order' },
    ]);
  });

  it('repairs a device that was given up when somebody replays its dead letter', async () => {
    const world = await unavailableHub();
    await world.processor.process(world.events);
    for (const { deferral } of world.deferred) await world.processor.retry(await toQueueMessage(deferral));
    delete world.trouble.problem;
    const [letter] = await world.deadLetters.all();
    const events = toRawEvents(letter?.event);
    const replay = { deviceId: 'd', events, attempt: 0, reason: 'replayed by hand', isReplay: true } as const;
    await world.processor.retry(await toQueueMessage(replay));
    const [, row] = await world.history('d');
    expect(row).toMatchObject({ path: 'mode', outcome: 'enforced' });
    expect(row?.transitions?.map(({ outcome }) => outcome)).toEqual(expect.arrayContaining(['failed', 'enforced']));
    expect((await world.hub.readTwin('d', 'm')).ok).toBe(true);
  });

  it('leaves no trace in the history once it answers again', async () => {
    const world = await unavailableHub();
    await world.processor.process(world.events);
    delete world.trouble.problem;
    const [entry] = world.deferred;
    if (entry === undefined) throw new Error('nothing was deferred');
    expect(await world.processor.retry(await toQueueMessage(entry.deferral))).toMatchObject({ deferred: 0 });
    expect(brief(await world.history('d'))).toEqual([
      ['missingModule', '', 'created'],
      ['wrongValue', 'mode', 'enforced'],
    ]);
    const [, row] = await world.history('d');
    expect(row).not.toHaveProperty('error');
    expect((await world.journal.read('d')).open).toEqual([]);
  });

  it('leads to deferred new devices, whose modules are created later', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    world.trouble.problem = { type: 'throttled', message: '429' };
    await world.processor.process(world.newEvents());
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'deferred']]);
    delete world.trouble.problem;
    const [entry] = world.deferred;
    if (entry === undefined) throw new Error('nothing was deferred');
    await world.processor.retry(await toQueueMessage(entry.deferral));
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'created']]);
  });

  it('leads to a deferred device or a failed row when it refuses the read', async () => {
    const world = await unavailableHub();
    world.trouble.problem = { type: 'refused', status: 403, message: '403 no' };
    const counts = await world.processor.process(world.events);
    expect(counts.deferred + (await world.history('d')).filter(({ outcome }) => outcome === 'failed').length).toBe(1);
  });

  it.each([0, 0.5, 1])(
    'is not waited for longer than six hours at a time, with the random number %d',
    async (random) => {
      const world = await unavailableHub();
      const processor = new EventProcessor({
        reconciler: new Reconciler({
          policies: toPolicySet([agent], { mode: 'enforce' }),
          hub: world.hub,
          journal: world.journal,
          log: quiet,
        }),
        queue: { put: async (deferral, delay) => void world.deferred.push({ deferral, delay }) },
        deadLetters: world.deadLetters,
        log: quiet,
        retry: { firstDelay: 20_000, attempts: 10 },
        random: () => random,
      });
      await processor.retry(await toQueueMessage({ deviceId: 'd', attempt: 2, reason: 'r', events: world.events }));
      const [longest, shortest] = [6 * 3600, 6 * 3600 * 0.75];
      expect(world.deferred.map(({ delay }) => delay)).toEqual([random < 0.5 ? shortest : longest]);
    },
  );
});

describe('storage that does not answer', () => {
  it('leads to a deferred device', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    world.journal.broken = new Error('table is away');
    expect(await world.processor.process(world.newEvents())).toMatchObject({ deferred: 1 });
    expect(world.deferred).toMatchObject([{ deferral: { reason: 'table is away' } }]);
  });

  it('makes the batch fail when the device cannot be queued either', async () => {
    const brokenQueue = { put: async () => Promise.reject(new Error('queue is away')) };
    const world = newWorld([agent], brokenQueue);
    world.registry.create({ deviceId: 'd' }, {});
    world.journal.broken = new Error('table is away');
    await expect(world.processor.process(world.newEvents())).rejects.toThrow('queue is away');
  });
});

describe('a message of the poison queue', () => {
  it('becomes a dead letter with its events, and its rows are given up', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    world.trouble.problem = { type: 'transient', message: '503' };
    const events = world.newEvents();
    await world.processor.process(events);
    const message = await toQueueMessage({ deviceId: 'd', events, attempt: 1, reason: 'r' });
    await world.processor.deadLetter(message, 'failed every time');
    expect(await world.deadLetters.all()).toMatchObject([
      { deviceId: 'd', state: 'dead', reason: 'failed every time' },
    ]);
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'failed']]);
  });

  it.each([['text'], [{ v: 1, deviceId: 'd', attempt: 1, reason: 'r', events: 'no gzip' }], [null]])(
    'that cannot be read becomes a dead letter unchanged: %j',
    async (message) => {
      const world = newWorld();
      await world.processor.deadLetter(message, 'failed every time');
      expect(await world.deadLetters.all()).toMatchObject([{ deviceId: '', state: 'dead', event: message }]);
    },
  );
});

describe('a history row', () => {
  it('holds the documented fields and no others', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    const [row] = await world.history('d');
    expect(Object.keys(row ?? {}).toSorted()).toEqual([
      ...[
        'actual',
        'correlationId',
        'detectedAt',
        'deviceId',
        'expected',
        'hub',
        'isFirst',
        'kind',
        'mode',
        'moduleId',
      ],
      ...['operationTimestamp', 'outcome', 'outcomeAt', 'path', 'policy', 'rowKey', 'source'],
      ...['transitions', 'v', 'write'],
    ]);
  });
});

describe('a module that somebody else creates', () => {
  it('closes the audited row of the missing module', async () => {
    const world = newWorld([{ ...agent, mode: 'audit' }]);
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    expect((await world.journal.read('d')).open).toMatchObject([{ kind: 'missingModule', outcome: 'audited' }]);
    world.registry.create({ deviceId: 'd', moduleId: 'm' }, {}, { desired: { mode: 'High', s: { x: true } } });
    await world.processor.process(world.newEvents());
    expect((await world.journal.read('d')).open).toEqual([]);
    expect(await world.history('d')).toMatchObject([
      { kind: 'missingModule', outcome: 'audited', closedAt: expect.any(String) },
    ]);
  });
});
