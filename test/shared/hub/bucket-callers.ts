import type { Lane } from '../../../shared/hub/index.ts';
import type { OperationBudget } from '../../../shared/hub/operation-budget.ts';
import type { Permit, Refusal } from '../../../shared/hub/permit.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Returns functions that ask a token bucket for permits, and lists of the permits and refusals. */
export function callersAt(bucket: OperationBudget, clock: VirtualClock) {
  /** The calls that got a permit, in the order of the permits. `at` is the time of the permit in milliseconds. */
  const granted: { readonly name: string; readonly at: number }[] = [];
  /** The calls that were refused a permit, in the order of the refusals. `at` is the time of the refusal in milliseconds. */
  const refused: { readonly name: string; readonly at: number; readonly retryAfter: number }[] = [];
  const permits: Permit[] = [];
  const acquire = (lane: Lane, name = '', longestWait = Number.POSITIVE_INFINITY) =>
    void bucket.acquire(lane, longestWait).then((outcome: Permit | Refusal) => {
      if (outcome.granted) {
        permits.push(outcome);
        granted.push({ name, at: clock.time });
      } else refused.push({ name, at: clock.time, retryAfter: outcome.retryAfter });
    });
  return {
    granted,
    refused,
    permits,
    acquire,
    names: () => granted.map(({ name }) => name),
    /** Takes all tokens that the bucket has at this time. */
    async empty() {
      for (let taken = 0; bucket.waitFor('events') === 0; taken++) {
        if (taken > 10_000) throw new Error('The bucket is never empty.');
        await bucket.acquire('events', 0);
      }
    },
  };
}
