import { describe, expect, it } from 'vitest';
import type { RawEvent } from '../../../shared/events/index.ts';
import { fc, hostileEvents, rawEvent } from '../../support/arbitraries.ts';
import { brief } from '../../support/world.ts';
import { newWorld, toQueueMessage } from './memory-world.ts';

const metadata = { $lastUpdated: '2026-01-01T00:00:00Z', $lastUpdatedVersion: 2 };

describe('an event with a value that is too large for a twin', () => {
  it('makes the twin be read, and adds no row', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    const desired = { mode: 'x'.repeat(1 << 20), $metadata: metadata, $version: 2 };
    const counts = await world.processor.process([
      rawEvent('updateTwin', { version: 3, properties: { desired } }, 'd', 'm'),
      rawEvent('replaceTwin', { version: 3, properties: { desired } }, 'd', 'm'),
    ]);
    expect(counts).toMatchObject({ devices: 1, deferred: 0 });
    expect(brief(await world.history('d'))).toEqual([['missingModule', '', 'created']]);
  });
});

describe('an event with a value that is nested too deeply', () => {
  it('does not stop the other events of its device', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    world.registry.patchTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { mode: 'Off' } }, undefined);
    const deep = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`) as unknown;
    const desired = { s: { x: deep }, $metadata: metadata, $version: 2 };
    const counts = await world.processor.process([
      rawEvent('updateTwin', { version: 3, properties: { desired } }, 'd', 'm'),
      ...world.newEvents(),
    ]);
    expect(counts).toMatchObject({ devices: 1, deferred: 0 });
    expect(brief(await world.history('d')).slice(1)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });
});

describe('an unusable event', () => {
  const unusable: readonly (readonly [string, RawEvent])[] = [
    ['without a body', rawEvent('updateTwin', undefined, 'x', 'm')],
    ['with a body that is not JSON', rawEvent('updateTwin', '<xml/>', 'x', 'm')],
    ['with an array as its body', rawEvent('updateTwin', [1, 2], 'x', 'm')],
    ['with a megabyte of text as its body', rawEvent('updateTwin', 'x'.repeat(1 << 20), 'x', 'm')],
    [
      'with a body that is nested as deeply as a megabyte allows',
      rawEvent('updateTwin', JSON.parse('['.repeat(1 << 19) + ']'.repeat(1 << 19)), 'x', 'm'),
    ],
    ['with an unknown opType', rawEvent('explode', {}, 'x', 'm')],
    [
      'without a deviceId',
      {
        ...rawEvent('updateTwin', {}, 'x', 'm'),
        properties: { opType: 'updateTwin' },
        systemProperties: { 'iothub-message-source': 'twinChangeEvents' },
      },
    ],
    [
      'with two different device ids',
      { ...rawEvent('updateTwin', {}, 'x', 'm'), properties: { opType: 'updateTwin', deviceId: 'y' } },
    ],
  ];

  it.each(unusable)(
    '%s becomes a dead letter with the reason, and the other events are processed',
    async (_, event) => {
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
        correlationIds: [first, last].map(({ systemProperties }) => systemProperties['correlation-id']),
      });
      for (const deviceId of ['before', 'after'])
        expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'created']]);
      const deadLetters = await world.deadLetters.all();
      expect(deadLetters).toMatchObject([{ state: 'dead', reason: expect.stringMatching(/./) }]);
      expect(deadLetters[0]?.event).toBe(event);
    },
  );
});

describe('many unusable events', () => {
  const broken = (count: number) =>
    Array.from({ length: count }, (_, index) => rawEvent(`explode-${index}`, {}, `x-${index}`));

  it('become at most 100 dead letters for each fault, and one line in the log for each batch', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'good' }, {});
    const good = world.newEvents();
    const noBody = Array.from({ length: 130 }, () => rawEvent('updateTwin', 'text', 'x', 'm'));
    const counts = await world.processor.process([...broken(150), ...good, ...noBody]);
    expect(counts).toMatchObject({ events: 280 + good.length, unusable: 280, devices: 1 });
    expect(await world.deadLetters.all()).toHaveLength(200);
    expect([...world.deadLetters.counted]).toEqual([
      ['unknownOperation', 50],
      ['badBody', 30],
    ]);
    expect(world.warnings).toEqual([
      expect.stringMatching(
        /^280 events could not be used: 200 are stored .*, 80 are only counted.* 150 × unknownOperation/,
      ),
    ]);
    expect(brief(await world.history('good'))).toEqual([['missingModule', '', 'created']]);

    await world.processor.process(broken(10));
    expect(await world.deadLetters.all()).toHaveLength(200);
    expect(world.warnings).toHaveLength(2);
  });

  it('are all stored when they come from a replay', async () => {
    const world = newWorld();
    await world.processor.process(broken(100));
    const [letter] = await world.deadLetters.all();
    await world.deadLetters.remove(letter?.id ?? '');
    const event = letter?.event as RawEvent;
    await world.processor.retry(await toQueueMessage({ deviceId: 'x', events: [event], attempt: 0, reason: 'replay' }));
    expect(await world.deadLetters.all()).toHaveLength(100);
    expect((await world.deadLetters.all())[0]?.event).toEqual(event);
  });
});

describe('an event without any application property or annotation of the hub', () => {
  it.each<[string, RawEvent['systemProperties']]>([
    ['without any annotation', {}],
    [
      'with the annotations of the event hub',
      { 'x-opt-sequence-number': 7, sequenceNumber: 7, offset: '4', partitionKey: null },
    ],
  ])('(%s) is counted as unusable, and the log says to check the binding', async (_, systemProperties) => {
    const world = newWorld();
    const event: RawEvent = { body: { version: 3 }, properties: {}, systemProperties };
    expect(await world.processor.process([event, event])).toMatchObject({ events: 2, ignored: 0, unusable: 2 });
    expect(await world.deadLetters.all()).toMatchObject([
      { reason: expect.stringContaining('no application properties') },
      {},
    ]);
    expect(world.warnings).toEqual([expect.stringContaining('Check the route of the hub and the event hub binding')]);
  });
});

describe('an event of another message source', () => {
  it.each<[string, RawEvent]>([
    ['an unknown source', rawEvent('updateTwin', {}, 'x', 'm', 'elsewhere')],
    [
      'a connecting device',
      rawEvent('deviceConnected', { sequenceNumber: '0' }, 'x', '', 'deviceConnectionStateEvents'),
    ],
  ])('(%s) is counted as ignored and leaves no dead letter', async (_, event) => {
    const world = newWorld();
    expect(await world.processor.process([event])).toEqual({
      events: 1,
      ignored: 1,
      unusable: 0,
      devices: 0,
      deferred: 0,
      correlationIds: [],
    });
    expect(await world.deadLetters.all()).toEqual([]);
  });
});

describe('an event with unusual content', () => {
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
  ])('(%s) is usable and causes no work', async (_, body) => {
    const world = newWorld();
    const events = [rawEvent('updateTwin', JSON.parse(body), 'x', 'm'), rawEvent('updateTwin', JSON.parse(body), 'x')];
    expect(await world.processor.process(events)).toEqual({
      events: 2,
      ignored: 0,
      unusable: 0,
      devices: 0,
      deferred: 0,
      correlationIds: [],
    });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a batch of events', () => {
  it('is processed without an error, whatever its events contain', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileEvents, { maxLength: 4 }), async (events) => {
        const world = newWorld();
        const counts = await world.processor.process(events);
        expect(counts.events).toBe(events.length);
        expect(await world.deadLetters.all()).toHaveLength(counts.unusable);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
