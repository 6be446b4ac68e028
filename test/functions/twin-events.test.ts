import { describe, expect, it, vi } from 'vitest';

vi.mock('@azure/functions', () => ({ app: { eventHub: () => undefined } }));
const { toRawEvents } = await import('../../functions/twin-events.ts');

describe("the trigger's parallel arrays", () => {
  it('are joined into events', () => {
    const metadata = {
      propertiesArray: [{ deviceId: 'a' }, { deviceId: 'b' }],
      systemPropertiesArray: [{ 'correlation-id': '1' }, { 'correlation-id': '2' }],
      enqueuedTimeUtcArray: ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    };
    expect(toRawEvents([{ version: 1 }, 'text'], metadata)).toEqual([
      {
        body: { version: 1 },
        properties: { deviceId: 'a' },
        systemProperties: { 'correlation-id': '1' },
        enqueuedTime: '2026-01-01T00:00:00Z',
      },
      {
        body: 'text',
        properties: { deviceId: 'b' },
        systemProperties: { 'correlation-id': '2' },
        enqueuedTime: '2026-01-02T00:00:00Z',
      },
    ]);
  });

  it.each([
    ['are all missing', {}],
    ['are not arrays', { propertiesArray: {}, systemPropertiesArray: 'x', enqueuedTimeUtcArray: 1 }],
    ['are too short', { propertiesArray: [], systemPropertiesArray: [], enqueuedTimeUtcArray: [] }],
    ['hold nulls and text', { propertiesArray: [null], systemPropertiesArray: ['x'], enqueuedTimeUtcArray: [5] }],
  ])('give events without properties when they %s', (_, metadata) => {
    expect(toRawEvents([{ a: 1 }], metadata)).toEqual([{ body: { a: 1 }, properties: {}, systemProperties: {} }]);
  });

  it('keep the index of events without a body and of a body that is an array', () => {
    const propertiesArray = [{ n: 1 }, { n: 2 }, { n: 3 }];
    expect(toRawEvents([undefined, null, [1, 2]], { propertiesArray })).toEqual([
      { body: undefined, properties: { n: 1 }, systemProperties: {} },
      { body: null, properties: { n: 2 }, systemProperties: {} },
      { body: [1, 2], properties: { n: 3 }, systemProperties: {} },
    ]);
  });

  it('give one event for a single message that is not in an array', () => {
    expect(toRawEvents({ a: 1 }, { propertiesArray: [{ n: 1 }] })).toHaveLength(1);
  });
});
