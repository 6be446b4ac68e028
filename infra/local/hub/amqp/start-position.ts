import type { LoggedEvent } from '../event-log.ts';
import { Refusal } from './refusal.ts';

/** The position at which a receiver starts in a partition: the first event at or after `index` for which `matches` returns true. */
export interface StartPosition {
  readonly index: number;
  matches(event: LoggedEvent): boolean;
}

const selector = /^\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*'?([^'\s]*)'?\s*$/;

/** The event fields that a selector filter can compare with a number. */
const selectorFields = {
  offset: (event: LoggedEvent) => Number(event.offset),
  'sequence-number': (event: LoggedEvent) => event.sequenceNumber,
  'enqueued-time': (event: LoggedEvent) => event.enqueuedTime.getTime(),
} as const;

/**
 * Finds the start position for the selector filter of a receiver. A receiver without a filter starts at the first event.
 *
 * As in Event Hubs, a filter is one comparison (`>` or `>=`) with an annotation: the offset, the sequence number, or the enqueued time in
 * milliseconds since 1970. The offset `-1` means the first event, and the offset `@latest` means the end of the partition.
 *
 * Throws a `Refusal`: `com.microsoft:argument-error` for a position past the end of the partition, and `amqp:not-allowed` for an
 * unsupported filter. A position past the end is usually the checkpoint of another log. Without the error, the receiver would wait forever.
 */
export function findStartPosition(filter: string | undefined, events: readonly LoggedEvent[]): StartPosition {
  if (filter === undefined) return { index: 0, matches: () => true };
  const [, field, operator, text] = selector.exec(filter) ?? [];
  const inclusive = operator === '>=';
  if (field === 'offset' && text === '-1') return { index: 0, matches: () => true };
  if (field === 'offset' && text === '@latest') {
    return { index: Math.max(0, events.length - (inclusive ? 1 : 0)), matches: () => true };
  }
  if (!isSelectorField(field) || text === undefined || !/^-?\d+$/.test(text)) {
    throw new Refusal(
      'amqp:not-allowed',
      `The filter '${filter}' is not supported: use > or >= to compare amqp.annotation.x-opt-offset, x-opt-sequence-number or ` +
        `x-opt-enqueued-time with a number.`,
    );
  }
  const readField = selectorFields[field];
  const bound = Number(text);
  const last = events.at(-1);
  if (field !== 'enqueued-time' && bound > (last === undefined ? 0 : readField(last) + (inclusive ? 1 : 0))) {
    const name = field === 'offset' ? 'offset' : 'sequence number';
    throw new Refusal(
      'com.microsoft:argument-error',
      `The supplied ${name} '${text}' is invalid. The last ${name} in the system is '${last === undefined ? -1 : readField(last)}'`,
    );
  }
  const matches = inclusive
    ? (event: LoggedEvent) => readField(event) >= bound
    : (event: LoggedEvent) => readField(event) > bound;
  return { index: lowerBound(events, matches), matches };
}

function isSelectorField(field: string | undefined): field is keyof typeof selectorFields {
  return field !== undefined && Object.hasOwn(selectorFields, field);
}

/** The index of the first matching event, found by binary search. All events after a matching event must match too. */
function lowerBound(events: readonly LoggedEvent[], matches: (event: LoggedEvent) => boolean): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const event = events[middle];
    if (event !== undefined && matches(event)) high = middle;
    else low = middle + 1;
  }
  return low;
}
