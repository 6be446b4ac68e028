import type { SweepStore } from './sweep-store.ts';

/** Name of the memo with the policies whose queries are not true. No policy has this name, because a policy's name has no space. */
const missedMemo = 'missed by queries';

/** Reads one sentence for each policy whose queries did not return a twin that breaks it, by policy. Empty where all queries are true. */
export async function readMissed(store: Pick<SweepStore, 'readMemo'>): Promise<Readonly<Record<string, string>>> {
  const memo = await store.readMemo(missedMemo);
  return memo === undefined ? {} : (JSON.parse(memo.text) as Readonly<Record<string, string>>);
}

/** Stores the sentence of a policy. `undefined`: a full look found that the queries of the policy are true. */
export async function writeMissed(
  store: Pick<SweepStore, 'readMemo' | 'writeMemo'>,
  policy: string,
  sentence: string | undefined,
  now: Date,
): Promise<void> {
  const { [policy]: before, ...others } = await readMissed(store);
  if (before === sentence) return;
  const text = JSON.stringify(sentence === undefined ? others : { ...others, [policy]: sentence });
  await store.writeMemo(missedMemo, { at: now.toISOString(), text });
}
