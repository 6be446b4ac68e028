import type { LoggedEvent } from '../event-log.ts';
import { Refusal } from './refusal.ts';

/** Where a receiver starts in a partition: at `index`, skipping events until the first that `matches`. */
export interface Start {
  readonly index: number;
  matches(event: LoggedEvent): boolean;
}

const selector = /^\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*'?([^'\s]*)'?\s*$/;

const measures = {
  offset: (event: LoggedEvent) => Number(event.offset),
  'sequence-number': (event: LoggedEvent) => event.sequenceNumber,
  'enqueued-time': (event: LoggedEvent) => event.enqueuedTime.getTime(),
} as const;

/**
 * Finds where the receiver with this selector filter begins. Event Hubs takes comparisons (`>` or `>=`) of one annotation only: offset (also `-1`,
 * the first event, and `@latest`, what comes from now on), sequence number, or enqueued time in milliseconds since 1970. No filter means the first event.
 *
 * Throws a `Refusal`: `com.microsoft:argument-error` for a position past the end, as Event Hubs does (a checkpoint of another log
 * must not become silence), `amqp:not-allowed` for a filter that is none of these.
 */
export function startPosition(filter: string | undefined, events: readonly LoggedEvent[]): Start {
  if (filter === undefined) return { index: 0, matches: () => true };
  const [, field, operator, text] = selector.exec(filter) ?? [];
  const inclusive = operator === '>=';
  if (field === 'offset' && text === '-1') return { index: 0, matches: () => true };
  if (field === 'offset' && text === '@latest') {
    return { index: Math.max(0, events.length - (inclusive ? 1 : 0)), matches: () => true };
  }
  if (!isMeasure(field) || text === undefined || !/^-?\d+$/.test(text)) {
    throw new Refusal(
      'amqp:not-allowed',
      `The filter '${filter}' is not supported: compare amqp.annotation.x-opt-offset, x-opt-sequence-number or x-opt-enqueued-time ` +
        `by > or >= with a number.`,
    );
  }
  const measure = measures[field];
  const bound = Number(text);
  const last = events.at(-1);
  if (field !== 'enqueued-time' && bound > (last === undefined ? 0 : measure(last) + (inclusive ? 1 : 0))) {
    const name = field === 'offset' ? 'offset' : 'sequence number';
    throw new Refusal(
      'com.microsoft:argument-error',
      `The supplied ${name} '${text}' is invalid. The last ${name} in the system is '${last === undefined ? -1 : measure(last)}'`,
    );
  }
  const matches = inclusive
    ? (event: LoggedEvent) => measure(event) >= bound
    : (event: LoggedEvent) => measure(event) > bound;
  return { index: lowerBound(events, matches), matches };
}

function isMeasure(field: string | undefined): field is keyof typeof measures {
  return field !== undefined && Object.hasOwn(measures, field);
}

/** The first index whose event matches, where all events after a match also match. */
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
