import { describe, expect, it } from 'vitest';
import { toOpenRow, toRowThen } from '../../../functions/api/open-row.ts';
import { type DriftRow, withOutcome } from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';

describe('the reason why an open row is not repaired', () => {
  const why = (row: Partial<DriftRow>) => toOpenRow({ mode: 'enforce', kind: 'wrongValue', ...row } as DriftRow).why;

  it('follows from the outcome and from the message of the guard', () => {
    expect(why({ outcome: 'heldBack', error: 'contested: somebody keeps changing it back' }).state).toBe('contested');
    expect(why({ outcome: 'heldBack', error: 'the limit' })).toEqual({ state: 'heldBack', reason: 'the limit' });
    expect(why({ outcome: 'failed', error: '400' })).toEqual({ state: 'failed', reason: '400' });
    expect(why({ outcome: 'audited', mode: 'audit' }).reason).toMatch(/audit mode/);
    expect(why({ outcome: 'audited', mode: 'audit', kind: 'notReported' }).reason).toMatch(/agent/);
    expect(why({ outcome: 'audited', message: 'cannot be repaired: too large' }).reason).toMatch(/too large/);
    expect(why({ outcome: 'deferred' })).toMatchObject({ state: 'deferred', reason: expect.stringMatching(/retried/) });
    expect(why({ outcome: 'pending' }).state).toBe('pending');
  });
});

describe('the reason why a row was not repaired at a time', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 10, 9, minute)).toISOString();
  const audited = driftRow('d', at(1), { outcome: 'audited', mode: 'audit' });

  it('names the mode while nothing has followed, and no reason after the mode has changed', () => {
    expect(toRowThen(audited, at(2)).why.reason).toMatch(/audit mode/);
    const enforced = { outcome: 'enforced', error: undefined, at: at(5), by: 'event' } as const;
    const later = withOutcome({ ...audited, mode: 'enforce' }, enforced);
    expect(toRowThen(later, at(2))).toMatchObject({
      was: { outcome: 'audited' },
      why: { state: 'audited', reason: 'The drift was only recorded. The row does not tell why.' },
    });
  });
});
