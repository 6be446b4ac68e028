import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import { EventLog } from '../../../infra/local/hub/event-log.ts';
import { Registry } from '../../../infra/local/hub/registry.ts';
import { type DriftRow, isOpen, type Journal, openKey } from '../../../shared/drift/index.ts';
import { decodeEvent, type RawEvent } from '../../../shared/events/index.ts';
import type { Answer, Hub, Problem } from '../../../shared/hub/index.ts';
import { definePolicy, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import { readDeferral } from '../../../shared/retry/deferred-queue.ts';
import {
  createDeadLetters,
  createDeferredQueue,
  type DeadLetter,
  type DeadLetters,
  type DeferredQueue,
  deferredQueueName,
  toRawEvents,
} from '../../../shared/retry/index.ts';
import { openQueue } from '../../../shared/storage/index.ts';
import { toTwin } from '../../../shared/twin/index.ts';
import { fc, hostileEvents, rawEvent } from '../../support/arbitraries.ts';
import { brief, quiet, toRawEvent } from '../../support/world.ts';

const agent = definePolicy({
  name: 'agent',
  module: 'm',
  createModule: true,
  desired: { mode: 'High', s: { x: true } },
});

/** A reconciler whose hub is the local one's registry, without a network, and whose journal and letters are in memory. */
function newWorld(definitions: readonly PolicyDefinition[] = [agent], queue?: DeferredQueue) {
  const log = new EventLog();
  const registry = new Registry({ hubName: 'test-hub', log });
  const trouble: { problem?: Problem } = {};
  const hub = hubOver(registry, trouble);
  const journal = memoryJournal();
  const letters = memoryLetters();
  const deferred: { readonly delay: number; readonly deferral: Parameters<DeferredQueue['put']>[0] }[] = [];
  const processor = new EventProcessor({
    reconciler: new Reconciler({ policies: toPolicySet(definitions, { mode: 'enforce' }), hub, journal, log: quiet }),
    queue: queue ?? { put: async (deferral, delay) => void deferred.push({ deferral, delay }) },
    deadLetters: letters,
    log: quiet,
    retry: { firstDelay: 10, attempts: 4 },
    random: () => 0.5,
  });
  let seen = 0;
  return {
    registry,
    hub,
    trouble,
    journal,
    letters,
    deferred,
    processor,
    newEvents(): RawEvent[] {
      const all = log.partitionIds
        .flatMap((id) => log.events(id))
        .toSorted((a, b) => Number(a.enqueuedTime) - Number(b.enqueuedTime));
      const events = all.slice(seen).map(toRawEvent);
      seen = all.length;
      return events;
    },
    history: async (deviceId: string) => (await journal.read(deviceId, '1970-01-01T00:00:00Z')).recent.toReversed(),
  };
}

describe('an event that says more than any twin can hold', () => {
  it('is a hint to look and no evidence, so that what it says need not fit a row', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    const huge = 'x'.repeat(1 << 20);
    const metadata = { $lastUpdated: '2026-01-01T00:00:00Z', $lastUpdatedVersion: 2 };
    const desired = { mode: huge, $metadata: metadata, $version: 2 };
    const tally = await world.processor.process([
      rawEvent('updateTwin', { version: 3, properties: { desired } }, 'd', 'm'),
      rawEvent('replaceTwin', { version: 3, properties: { desired } }, 'd', 'm'),
    ]);
    expect(tally).toMatchObject({ devices: 1, deferred: 0 });
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'created']]);
  });
});

describe('an event that is too deep to be looked through', () => {
  it('keeps no other event of its device from being done', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    world.registry.patchTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { mode: 'Off' } }, undefined);
    const deep = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`) as unknown;
    const metadata = { $lastUpdated: '2026-01-01T00:00:00Z', $lastUpdatedVersion: 2 };
    const desired = { s: { x: deep }, $metadata: metadata, $version: 2 };
    const tally = await world.processor.process([
      rawEvent('updateTwin', { version: 3, properties: { desired } }, 'd', 'm'),
      ...world.newEvents(),
    ]);
    expect(tally).toMatchObject({ devices: 1, deferred: 0 });
    expect(brief(await world.history('d')).slice(1)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });
});

describe('an event that cannot be used', () => {
  const bad: readonly (readonly [string, RawEvent])[] = [
    ['without a body', rawEvent('updateTwin', undefined, 'x', 'm')],
    ['with a body that is not JSON', rawEvent('updateTwin', '<xml/>', 'x', 'm')],
    ['with an array for a body', rawEvent('updateTwin', [1, 2], 'x', 'm')],
    ['with a megabyte of text for a body', rawEvent('updateTwin', 'x'.repeat(1 << 20), 'x', 'm')],
    [
      'with a body as deep as a megabyte can be',
      rawEvent('updateTwin', JSON.parse('['.repeat(1 << 19) + ']'.repeat(1 << 19)), 'x', 'm'),
    ],
    ['of an unknown opType', rawEvent('explode', {}, 'x', 'm')],
    [
      'without a deviceId',
      {
        ...rawEvent('updateTwin', {}, 'x', 'm'),
        properties: { opType: 'updateTwin' },
        systemProperties: { 'iothub-message-source': 'twinChangeEvents' },
      },
    ],
    [
      'whose ids differ',
      { ...rawEvent('updateTwin', {}, 'x', 'm'), properties: { opType: 'updateTwin', deviceId: 'y' } },
    ],
  ];

  it.each(bad)('%s becomes a dead letter with the reason, and its neighbours are dealt with', async (_, event) => {
    const world = newWorld();
    for (const deviceId of ['before', 'after']) world.registry.create({ deviceId }, {});
    const [first, last] = world.newEvents();
    if (first === undefined || last === undefined) throw new Error('no events');
    expect(await world.processor.process([first, event, last])).toEqual({
      events: 3,
      ignored: 0,
      unusable: 1,
      devices: 2,
      deferred: 0,
    });
    for (const deviceId of ['before', 'after'])
      expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'created']]);
    const letters = await world.letters.all();
    expect(letters).toMatchObject([{ state: 'dead', reason: expect.stringMatching(/./) }]);
    expect(letters[0]?.event).toBe(event);
  });

  it.each<[string, RawEvent]>([
    ['of an unknown source', rawEvent('updateTwin', {}, 'x', 'm', 'elsewhere')],
    [
      'of a device that connects',
      rawEvent('deviceConnected', { sequenceNumber: '0' }, 'x', '', 'deviceConnectionStateEvents'),
    ],
  ])('because it is not ours, %s, is counted and leaves no letter', async (_, event) => {
    const world = newWorld();
    expect(await world.processor.process([event])).toEqual({
      events: 1,
      ignored: 1,
      unusable: 0,
      devices: 0,
      deferred: 0,
    });
    expect(await world.letters.all()).toEqual([]);
  });

  it.each<[string, string]>([
    [
      'keys that JavaScript treats specially',
      '{"properties":{"desired":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"$version":9}}}',
    ],
    ['keys with dots', '{"properties":{"desired":{"s.x":false,"a.b":{"c.d":1},"$version":9}}}'],
    [
      'numbers beyond 2^53',
      '{"version":1e300,"properties":{"desired":{"n":9007199254740993,"$version":9007199254740993}}}',
    ],
    ['no properties', '{"version":9}'],
  ])('is not one with %s: it is taken, and asks for nothing', async (_, body) => {
    const world = newWorld();
    const events = [rawEvent('updateTwin', JSON.parse(body), 'x', 'm'), rawEvent('updateTwin', JSON.parse(body), 'x')];
    expect(await world.processor.process(events)).toEqual({
      events: 2,
      ignored: 0,
      unusable: 0,
      devices: 0,
      deferred: 0,
    });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('of whatever content never makes a batch fail', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileEvents, { maxLength: 4 }), async (events) => {
        const world = newWorld();
        const tally = await world.processor.process(events);
        expect(tally.events).toBe(events.length);
        expect(await world.letters.all()).toHaveLength(tally.unusable);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a hub that does not answer', () => {
  async function troubled() {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    world.newEvents();
    world.registry.patchTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { mode: 'Off' } }, '*');
    world.trouble.problem = { type: 'transient', message: '503 out of order' };
    return { ...world, events: world.newEvents() };
  }

  /** What the trigger of the deferred queue would hand over. */
  const asMessage = async ({ deferral }: Awaited<ReturnType<typeof troubled>>['deferred'][number]) => {
    let message: unknown;
    const packing = newPacking((text) => {
      message = JSON.parse(text);
    });
    await packing(deferral);
    return message;
  };

  it('puts the device off, with its events, and its rows say so', async () => {
    const world = await troubled();
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

  it('is asked again after growing delays, then given up with its events and its rows', async () => {
    const world = await troubled();
    await world.processor.process(world.events);
    for (let index = 0; index < world.deferred.length; index++) {
      const entry = world.deferred[index];
      if (entry !== undefined) await world.processor.retry(await asMessage(entry));
    }
    expect(world.deferred.map(({ delay, deferral }) => [delay, deferral.attempt])).toEqual([
      [10, 1],
      [20, 2],
      [40, 3],
    ]);
    const letters = await world.letters.all();
    expect(letters).toMatchObject([
      { deviceId: 'd', state: 'dead', reason: 'given up after 4 tries: 503 out of order' },
    ]);
    expect(toRawEvents(letters[0]?.event).map(decodeEvent)).toEqual(world.events.map(decodeEvent));
    expect(await world.history('d')).toMatchObject([
      { outcome: 'created' },
      { path: 'mode', outcome: 'failed', error: 'given up after 4 tries: 503 out of order' },
    ]);
  });

  it('and then answers leaves the same history as if it had answered at once', async () => {
    const world = await troubled();
    await world.processor.process(world.events);
    delete world.trouble.problem;
    const [entry] = world.deferred;
    if (entry === undefined) throw new Error('nothing was put off');
    expect(await world.processor.retry(await asMessage(entry))).toMatchObject({ deferred: 0 });
    expect(brief(await world.history('d'))).toEqual([
      ['missingModule', '', 'created'],
      ['wrongValue', 'mode', 'enforced'],
    ]);
    const [, row] = await world.history('d');
    expect(row).not.toHaveProperty('error');
    expect((await world.journal.read('d')).open).toEqual([]);
  });

  it('puts off new devices as well, and creates their modules later', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    world.trouble.problem = { type: 'throttled', message: '429' };
    await world.processor.process(world.newEvents());
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'deferred']]);
    delete world.trouble.problem;
    const [entry] = world.deferred;
    if (entry === undefined) throw new Error('nothing was put off');
    await world.processor.retry(await asMessage(entry));
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'created']]);
  });

  it('that refuses is not asked again, and the row says why', async () => {
    const world = await troubled();
    world.trouble.problem = { type: 'refused', status: 403, message: '403 no' };
    // Reading is refused, so nothing is known but what the event shows.
    const tally = await world.processor.process(world.events);
    expect(tally.deferred + (await world.history('d')).filter(({ outcome }) => outcome === 'failed').length).toBe(1);
  });

  it('makes waits no longer than six hours', async () => {
    const world = await troubled();
    const message = { v: 1, deviceId: 'd', attempt: 2, reason: 'r' };
    const patient = new EventProcessor({
      reconciler: new Reconciler({
        policies: toPolicySet([agent], { mode: 'enforce' }),
        hub: world.hub,
        journal: world.journal,
        log: quiet,
      }),
      queue: { put: async (deferral, delay) => void world.deferred.push({ deferral, delay }) },
      deadLetters: world.letters,
      log: quiet,
      retry: { firstDelay: 20_000, attempts: 10 },
      random: () => 0.5,
    });
    await newPacking(async (text) => void (await patient.retry(JSON.parse(text))))({
      ...message,
      events: world.events,
    });
    expect(world.deferred.map(({ delay }) => delay)).toEqual([6 * 3600]);
  });
});

describe('storage that does not answer', () => {
  it('puts the device off, whatever it is that cannot be stored', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    world.journal.broken = new Error('table is away');
    expect(await world.processor.process(world.newEvents())).toMatchObject({ deferred: 1 });
    expect(world.deferred).toMatchObject([{ deferral: { reason: 'table is away' } }]);
  });

  it('makes the batch come again where not even that can be handed over', async () => {
    const away = { put: async () => Promise.reject(new Error('queue is away')) };
    const world = newWorld([agent], away);
    world.registry.create({ deviceId: 'd' }, {});
    world.journal.broken = new Error('table is away');
    await expect(world.processor.process(world.newEvents())).rejects.toThrow('queue is away');
  });
});

describe('a row of history', () => {
  it('holds what is documented of it, and nothing else', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    const [row] = await world.history('d');
    expect(Object.keys(row ?? {}).toSorted()).toEqual([
      ...['actual', 'correlationId', 'detectedAt', 'deviceId', 'expected', 'hub', 'kind', 'mode', 'moduleId'],
      ...['operationTimestamp', 'outcome', 'outcomeAt', 'path', 'policy', 'rowKey', 'source', 'v', 'write'],
    ]);
  });
});

describe('a module that comes by itself', () => {
  it('ends the record of its being missing, where a policy only audits', async () => {
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

describe('the deferred queue', () => {
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  let letters: DeadLetters;
  beforeAll(async () => {
    azurite = await startAzurite();
    letters = createDeadLetters(azurite.endpoints, () => new Date());
  });
  afterAll(() => azurite.close());

  /** Sends a deferral through a real queue, and gives back what the trigger would get. */
  async function send(deferral: Parameters<DeferredQueue['put']>[0]): Promise<unknown> {
    await createDeferredQueue(azurite.endpoints, letters).put(deferral, 0);
    const queue = await openQueue(azurite.endpoints, deferredQueueName);
    const { receivedMessageItems } = await queue.receiveMessages();
    const [item] = receivedMessageItems;
    if (item === undefined) throw new Error('The queue is empty.');
    await queue.deleteMessage(item.messageId, item.popReceipt);
    return JSON.parse(Buffer.from(item.messageText, 'base64').toString());
  }

  const stored = async () => {
    const all: DeadLetter[] = [];
    for await (const letter of letters.list()) all.push(letter);
    return all;
  };

  it.each([
    ['small', { version: 1, properties: { desired: JSON.parse('{"__proto__":1,"a":"ü€😀"}') as unknown } }],
    ['without a body', undefined],
    ['of text', 'not JSON'],
    ['too large for a message', { text: randomBytes(300_000).toString('base64') }],
    ['too large for one entity', { text: randomBytes(1 << 20).toString('base64') }],
  ])('gives back events that are %s', async (_, body) => {
    const events = [rawEvent('updateTwin', body, "a#b?c%d'e", 'm'), rawEvent('replaceTwin', {}, "a#b?c%d'e")];
    const message = await send({ deviceId: "a#b?c%d'e", events, attempt: 3, reason: 'why '.repeat(400) });
    const received = await readDeferral(message, letters);
    expect(received).toMatchObject({ deviceId: "a#b?c%d'e", attempt: 3, reason: expect.stringMatching(/^why why/) });
    expect(JSON.stringify(received.events)).toBe(JSON.stringify(events));
    expect(received.events.map(decodeEvent)).toEqual(events.map(decodeEvent));
    if (received.parked !== undefined) await letters.remove(received.parked);
    expect(await stored()).toEqual([]);
  });

  it('lets go of parked events once they are dealt with, and not before', async () => {
    const events = [rawEvent('updateTwin', { text: randomBytes(100_000).toString('base64') }, 'd', 'm')];
    const message = await send({ deviceId: 'd', events, attempt: 1, reason: 'r' });
    expect(await stored()).toMatchObject([{ state: 'parked', deviceId: 'd' }]);
    const world = newWorld();
    const processor = new EventProcessor({
      reconciler: new Reconciler({
        policies: toPolicySet([agent], { mode: 'enforce' }),
        hub: world.hub,
        journal: world.journal,
        log: quiet,
      }),
      queue: { put: async () => undefined },
      deadLetters: letters,
      log: quiet,
      retry: { firstDelay: 1, attempts: 3 },
    });
    expect(await processor.retry(message)).toMatchObject({ events: 1 });
    expect(await stored()).toEqual([]);
    // The message may come a second time, and there is nothing left to do.
    expect(await processor.retry(message)).toMatchObject({ events: 0 });
  });

  it.each([
    [null],
    ['text'],
    [{ v: 2 }],
    [{ v: 1, deviceId: 'd', attempt: -1, reason: 'r' }],
    [{ v: 1, deviceId: 5, attempt: 1, reason: 'r' }],
  ])('refuses %j, which is no message of its own', async (message) => {
    await expect(readDeferral(message, letters)).rejects.toThrow(TypeError);
  });
});

describe('a message that the queue gave up', () => {
  it('is buried with its events, and its rows are given up', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    world.trouble.problem = { type: 'transient', message: '503' };
    const events = world.newEvents();
    await world.processor.process(events);
    let message: unknown;
    await newPacking((text) => {
      message = JSON.parse(text);
    })({ deviceId: 'd', events, attempt: 1, reason: 'r' });
    await world.processor.deadLetter(message, 'failed every time');
    expect(await world.letters.all()).toMatchObject([{ deviceId: 'd', state: 'dead', reason: 'failed every time' }]);
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'failed']]);
  });

  it.each([['text'], [{ v: 1, deviceId: 'd', attempt: 1, reason: 'r', events: 'no gzip' }], [null]])(
    'is buried as it is when it is %j',
    async (message) => {
      const world = newWorld();
      await world.processor.deadLetter(message, 'failed every time');
      expect(await world.letters.all()).toMatchObject([{ deviceId: '', state: 'dead', event: message }]);
    },
  );
});

/** Packs deferrals as the real queue does, without one. */
function newPacking(take: (text: string) => unknown) {
  return async ({ deviceId, events, attempt, reason }: Parameters<DeferredQueue['put']>[0]) => {
    const { gzipSync } = await import('node:zlib');
    const packed = gzipSync(JSON.stringify(events)).toString('base64');
    await take(JSON.stringify({ v: 1, deviceId, attempt, reason, events: packed }));
  };
}

function hubOver(registry: Registry, trouble: { problem?: Problem }): Hub {
  const target = (deviceId: string, moduleId: string) => (moduleId === '' ? { deviceId } : { deviceId, moduleId });
  const attempt = <T>(run: () => T): Answer<T> => {
    if (trouble.problem !== undefined) return { ok: false, problem: trouble.problem };
    try {
      return { ok: true, value: run() };
    } catch (error) {
      const { status, message, code } = error as { status: number; message: string; code: string };
      if (status === 404)
        return { ok: false, problem: { type: 'gone', what: code === 'ModuleNotFound' ? 'module' : 'device', message } };
      if (status === 409) return { ok: false, problem: { type: 'exists', message } };
      if (status === 412) return { ok: false, problem: { type: 'conflict', message } };
      return { ok: false, problem: { type: 'refused', status, message } };
    }
  };
  const hub: Hub = {
    name: 'test-hub',
    readTwin: async (deviceId, moduleId) =>
      attempt(() => {
        const twin = toTwin(registry.readTwin(target(deviceId, moduleId)), deviceId, moduleId);
        if (twin === undefined) throw new Error('no twin');
        return twin;
      }),
    patchDesired: async (deviceId, moduleId, etag, desired) =>
      attempt(() => void registry.patchTwin(target(deviceId, moduleId), { desired }, { etag })),
    createModules: async (modules) =>
      modules.map(({ deviceId, moduleId, desired, tags }) =>
        attempt(() => void registry.create({ deviceId, moduleId }, {}, { desired, tags })),
      ),
    countDevices: async () => ({ ok: true, value: 0 }),
    queryPage: async () => ({ ok: true, value: { items: [] } }),
    listConfigurations: async () => ({ ok: true, value: [] }),
    lane: () => hub,
    waitFor: () => 0,
  };
  return hub;
}

/** The journal's contract without a table: rows by key, an entry for each open departure, all or nothing. */
function memoryJournal(): Journal & { broken?: Error } {
  const tables = new Map<string, { rows: Map<string, DriftRow>; open: Map<string, DriftRow> }>();
  const tableOf = (deviceId: string) => tables.get(deviceId) ?? { rows: new Map(), open: new Map() };
  const journal: Journal & { broken?: Error } = {
    async read(deviceId, since) {
      if (journal.broken !== undefined) throw journal.broken;
      const { rows, open } = tableOf(deviceId);
      const recent = [...rows.values()].filter(
        ({ write }) => since !== undefined && Date.parse(write.at) >= Date.parse(since),
      );
      const newestFirst = recent.toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
      return { open: [...open.values()], recent: newestFirst, etags: new Map() };
    },
    async write(deviceId, changed, known) {
      if (journal.broken !== undefined) throw journal.broken;
      const table = tableOf(deviceId);
      const next = { rows: new Map(table.rows), open: new Map(table.open) };
      const stored = new Set([...known.open, ...known.recent].map(({ rowKey }) => rowKey));
      const storedOpen = new Set(known.open.map(openKey));
      for (const [slot, sharing] of Map.groupBy(changed, openKey)) {
        for (const row of sharing) {
          if (!stored.has(row.rowKey) && next.rows.has(row.rowKey)) return 'conflict';
          next.rows.set(row.rowKey, row);
        }
        const current = sharing.findLast(isOpen);
        if (storedOpen.has(slot) !== next.open.has(slot)) return 'conflict';
        if (current === undefined) next.open.delete(slot);
        else next.open.set(slot, current);
      }
      tables.set(deviceId, next);
      return 'written';
    },
  };
  return journal;
}

function memoryLetters(): DeadLetters & { all(): Promise<readonly DeadLetter[]> } {
  const letters: DeadLetter[] = [];
  return {
    async put(letter) {
      const id = String(letters.length);
      letters.unshift({ id, at: '', ...letter });
      return id;
    },
    get: async (id) => letters.find((letter) => letter.id === id),
    async *list() {
      yield* letters;
    },
    remove: async (id) => void letters.splice(0, letters.length, ...letters.filter((letter) => letter.id !== id)),
    all: async () => letters,
  };
}
