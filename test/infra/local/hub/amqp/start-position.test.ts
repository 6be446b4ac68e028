import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../../../../infra/local/hub/amqp/address.ts';
import { findStartPosition } from '../../../../../infra/local/hub/amqp/start-position.ts';
import { EventLog, type LoggedEvent } from '../../../../../infra/local/hub/event-log.ts';
import { hubEvent } from './support.ts';

/**
 * Creates the events of a partition. Each step contains the size of the event's body in bytes, and the milliseconds since the previous
 * event.
 */
function partition(steps: readonly { readonly size: number; readonly pause: number }[]): readonly LoggedEvent[] {
  let now = 0;
  const log = new EventLog(1, () => new Date(now));
  for (const { size, pause } of steps) {
    now += pause;
    log.append(hubEvent('a', Buffer.alloc(size)));
  }
  return log.events('0');
}

const steps = fc.array(fc.record({ size: fc.nat(50), pause: fc.nat(3) }), { maxLength: 30 });
const fields = {
  offset: (event: LoggedEvent) => Number(event.offset),
  'sequence-number': (event: LoggedEvent) => event.sequenceNumber,
  'enqueued-time': (event: LoggedEvent) => event.enqueuedTime.getTime(),
};

describe('a selector filter', () => {
  test('starts at the first event that matches', () => {
    const field = fc.constantFrom(...(Object.keys(fields) as (keyof typeof fields)[]));
    fc.assert(
      fc.property(steps, field, fc.boolean(), fc.nat(), (made, name, inclusive, seed) => {
        const events = partition(made);
        const measure = fields[name];
        const bound = seed % ((events.at(-1) ? measure(events.at(-1) as LoggedEvent) : 0) + 1);
        const { index } = findStartPosition(
          `amqp.annotation.x-opt-${name} ${inclusive ? '>=' : '>'} '${bound}'`,
          events,
        );
        const holds = (event: LoggedEvent) => (inclusive ? measure(event) >= bound : measure(event) > bound);
        expect(events.slice(index)).toEqual(events.filter(holds));
      }),
    );
  });

  test('for a time in the future does not match earlier events', () => {
    const future = Date.UTC(2024, 0, 1);
    const { index, matches } = findStartPosition(`amqp.annotation.x-opt-enqueued-time > '${future}'`, partition([]));
    const [event] = partition([{ size: 0, pause: future }]);
    expect(index).toBe(0);
    expect(event && matches(event)).toBe(false);
  });

  test('can name the earliest or the latest position, or be missing', () => {
    const events = partition([
      { size: 1, pause: 1 },
      { size: 1, pause: 1 },
    ]);
    expect(findStartPosition(undefined, events).index).toBe(0);
    expect(findStartPosition("amqp.annotation.x-opt-offset > '-1'", events).index).toBe(0);
    expect(findStartPosition("amqp.annotation.x-opt-offset > '@latest'", events).index).toBe(2);
    expect(findStartPosition("amqp.annotation.x-opt-offset >= '@latest'", events).index).toBe(1);
  });

  test('for a position past the end is refused with the last position', () => {
    const events = partition([{ size: 1, pause: 1 }]);
    expect(() => findStartPosition("amqp.annotation.x-opt-sequence-number > '1'", events)).toThrow(
      "The last sequence number in the system is '0'",
    );
    expect(findStartPosition("amqp.annotation.x-opt-sequence-number >= '1'", events).index).toBe(1);
    expect(() => findStartPosition("amqp.annotation.x-opt-offset > '1'", [])).toThrow(
      "The last offset in the system is '-1'",
    );
  });

  test.for([
    "amqp.annotation.x-opt-offset < '1'",
    "amqp.annotation.x-opt-offset > 'x'",
    "amqp.annotation.x-opt-sequence-number > '@latest'",
    "amqp.annotation.constructor > '1'",
    '',
  ])('is refused if it is not supported: %s', (filter) => {
    expect(() => findStartPosition(filter, [])).toThrow(expect.objectContaining({ condition: 'amqp:not-allowed' }));
  });
});

describe('a link address', () => {
  test.for([
    ['$cbs', { node: 'cbs' }],
    ['$management', { node: 'management', path: 'hub/$management' }],
    ['/HUB/$management', { node: 'management', path: 'hub/$management' }],
    ['hub', { node: 'sink', path: 'hub', partitionId: undefined }],
    ['amqps://some.host/Hub/Partitions/3', { node: 'sink', path: 'Hub/Partitions/3', partitionId: '3' }],
    [
      'hub/consumergroups/$Default/partitions/0',
      { node: 'source', path: 'hub/consumergroups/$Default/partitions/0', consumerGroup: '$Default', partitionId: '0' },
    ],
    ['hub/ConsumerGroups/a group/Partitions/0', { node: 'unknown', path: 'hub/ConsumerGroups/a group/Partitions/0' }],
    ['other/ConsumerGroups/g/Partitions/0', { node: 'unknown', path: 'other/ConsumerGroups/g/Partitions/0' }],
    ['', { node: 'unknown', path: '' }],
  ] as const)('is parsed: %s', ([address, expected]) => {
    expect(parseAddress(address, 'hub')).toEqual(expected);
  });
});
