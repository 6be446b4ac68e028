import * as z from 'zod/mini';
import type { Reading } from '../reading.ts';
import type { SweepStore } from '../store/index.ts';

const text = z.optional(z.string());

const readingSchema = z.object({
  of: z.string(),
  startedAt: z.iso.datetime(),
  read: z.number(),
  total: z.optional(z.number()),
  continuation: text,
  endedAt: text,
  lastEndedAt: text,
  lastStartedAt: text,
  inOneGo: z.optional(z.boolean()),
  wholeTwins: z.optional(z.boolean()),
  by: z.optional(z.enum(['export', 'query'])),
  isUnclear: z.optional(z.boolean()),
  missed: z.optional(z.array(z.string())),
  lastMissed: z.optional(z.boolean()),
});

/** Returns the reading that the last sweep stored under this name. A memo of another version of the app counts as none. */
export async function loadReading(store: Pick<SweepStore, 'readMemo'>, name: string): Promise<Reading | undefined> {
  const memo = await store.readMemo(name);
  if (memo === undefined) return undefined;
  try {
    const parsed = readingSchema.safeParse(JSON.parse(memo.text));
    return parsed.success ? (parsed.data as Reading) : undefined;
  } catch {
    return undefined;
  }
}

export async function storeReading(
  store: Pick<SweepStore, 'writeMemo'>,
  name: string,
  reading: Reading,
  now: Date,
): Promise<void> {
  await store.writeMemo(name, { at: now.toISOString(), text: JSON.stringify(reading) });
}
