import { describe, expect, it } from 'vitest';
import { daysFor, messagesFor } from '../../../shared/forecast/duration.ts';

const calls = { configuration: 1, query: 5, twinRead: 10, twinUpdate: 10, bulk: 3, total: 29 };

describe('the messages of a forecast', () => {
  it('are those of its results, of reads and of updates, by the size of a message', () => {
    expect(messagesFor(calls, 1650, { tier: 'S1' })).toBe(1650 + 10 * 2 + 10);
    expect(messagesFor(calls, 1650, { tier: 'F1' })).toBe(1650 + 10 * 13 + 10 * 2);
  });

  it('take as many days as the part of sweeps allows', () => {
    expect([0, 800, 801, 1601].map((messages) => daysFor(messages, 1000))).toEqual([1, 1, 2, 3]);
  });
});
