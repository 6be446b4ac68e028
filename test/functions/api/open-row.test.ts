import { describe, expect, it } from 'vitest';
import { toOpenRow } from '../../../functions/api/open-row.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';

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
