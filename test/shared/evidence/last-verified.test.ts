import { describe, expect, it } from 'vitest';
import { lastVerified, oldestVerified } from '../../../shared/evidence/index.ts';
import type { SweepRow, VerifiedByPolicy } from '../../../shared/sweep/store/index.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 10, 9, minute)).toISOString();
const sweep = (minute: number, verified: VerifiedByPolicy, state: SweepRow['state'] = 'done') =>
  ({ state, startedAt: at(minute), endedAt: at(minute + 1), verified }) as SweepRow;
const query = (minute: number) => ({ how: 'query', at: at(minute) }) as const;
const count = (minute: number) => ({ how: 'count', at: at(minute) }) as const;

const sweeps = [
  sweep(30, { agent: { values: query(30), modules: count(30) } }),
  sweep(20, { agent: { values: query(20) }, tags: { values: { how: 'read', at: at(5) } } }),
];
const seen = driftRow('d', at(40), { policy: 'agent', outcome: 'enforced', outcomeAt: at(41) });

describe('when a device was last looked at', () => {
  it('is told by the newest sweep that is done, for each policy', () => {
    expect(lastVerified(['agent', 'tags', 'never'], sweeps, [], at(50))).toEqual([
      { policy: 'agent', at: at(30), how: 'sweepQuery', module: { at: at(30), how: 'sweepCount' } },
      { policy: 'tags', at: at(5), how: 'sweepRead' },
    ]);
    expect(lastVerified(['agent'], sweeps, [], at(25))).toEqual([{ policy: 'agent', at: at(20), how: 'sweepQuery' }]);
    expect(lastVerified(['agent'], [sweep(30, { agent: { values: query(30) } }, 'running')], [], at(50))).toEqual([]);
  });

  it('is told by an event or a read that came later, and not by one after the time of the question', () => {
    expect(lastVerified(['agent'], sweeps, [seen], at(50))).toEqual([{ policy: 'agent', at: at(41), how: 'event' }]);
    expect(lastVerified(['agent'], sweeps, [seen], at(40))).toMatchObject([{ at: at(30), how: 'sweepQuery' }]);
    const gaveUp = driftRow('d', at(40), {
      policy: 'agent',
      outcome: 'failed',
      transitions: [{ at: at(41), outcome: 'failed', by: 'retries' }],
    });
    expect(lastVerified(['agent'], sweeps, [gaveUp], at(50))).toMatchObject([{ how: 'sweepQuery' }]);
  });

  it('is not told by a look at another version of the policy', () => {
    const ofFirst = { version: 'v1', values: query(30), modules: count(30) };
    const [first, second] = [{ agent: 'v1' }, { agent: 'v2' }];
    const judged = { ...seen, policyVersion: 'v1' };
    expect(lastVerified(['agent'], [sweep(30, { agent: ofFirst })], [judged], at(50), second)).toEqual([]);
    expect(lastVerified(['agent'], [sweep(30, { agent: ofFirst })], [judged], at(50), first)).toMatchObject([
      { at: at(41), how: 'event' },
    ]);
  });

  it('is not told by a row that waits for a retry, and by a repeated outcome as far as it was so then', () => {
    const waiting = driftRow('d', at(40), {
      policy: 'agent',
      outcome: 'deferred',
      transitions: [
        { at: at(41), outcome: 'heldBack', by: 'sweep', times: 2, lastAt: at(44) },
        { at: at(45), outcome: 'deferred', by: 'sweep' },
      ],
    });
    expect(lastVerified(['agent'], sweeps, [waiting], at(50))).toMatchObject([{ at: at(44), how: 'read' }]);
    expect(lastVerified(['agent'], sweeps, [waiting], at(42))).toMatchObject([{ at: at(41), how: 'read' }]);
  });

  it('is as old as the oldest of its policies, and unknown when one was never looked at', () => {
    const verified = lastVerified(['agent', 'tags'], sweeps, [], at(50));
    expect(oldestVerified(['agent', 'tags'], verified)).toBe(at(5));
    expect(oldestVerified(['agent', 'tags', 'never'], verified)).toBeUndefined();
    expect(oldestVerified([], [])).toBeUndefined();
  });
});
