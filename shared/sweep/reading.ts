/** One read of all twins of a policy. It may take several sweeps, each of which reads a slice. All property names are stored. */
export interface Reading {
  /** A hash of what is read. After a change of the policy, a new reading starts. */
  readonly of: string;
  /** When the reading started, ISO 8601. */
  readonly startedAt: string;
  /** Number of twins that are read so far. */
  readonly read: number;
  /** Expected number of twins. Absent where the hub does not count them. */
  readonly total?: number;
  /** Where the next sweep continues. Absent before the first page, and when the reading has ended. */
  readonly continuation?: string;
  /** When the last twin was read, ISO 8601. Absent while the reading is unfinished. */
  readonly endedAt?: string;
  /** When the last complete reading of the same policy ended, ISO 8601. */
  readonly lastEndedAt?: string;
  /** When that reading started, ISO 8601. */
  readonly lastStartedAt?: string;
  /** True where one sweep must read all twins: a person asked for it, or the hub does not keep its place between two sweeps. */
  readonly inOneGo?: boolean;
  /** True where the hub does not return the columns that the query selects, so that the reading takes whole twins. */
  readonly wholeTwins?: boolean;
  /** What reads the twins: an export job of the hub, or queries. Absent before this is decided, and in a full look. */
  readonly by?: 'export' | 'query';
  /** True where the policy reads something of too many twins that an export does not have. Queries then read them, also the next time. */
  readonly isUnclear?: boolean;
  /** The ids of some devices whose twins break the policy, but which the queries did not return. Only in a full look. */
  readonly missed?: readonly string[];
  /** True where the last complete look found such devices. Only in a full look. */
  readonly lastMissed?: boolean;
}

export interface ReadingPlan {
  /** See {@link Reading.of}. */
  readonly of: string;
  readonly now: Date;
  /** Milliseconds between the starts of two readings. */
  readonly every: number;
  /** Whether this sweep must read all twins, whatever was read before. */
  readonly isAll: boolean;
}

/**
 * Returns the reading that a sweep starts or continues. `last`: what the last sweep stored. Returns `undefined` where no reading is due yet.
 * Pure.
 */
export function nextReading(last: Reading | undefined, { of, now, every, isAll }: ReadingPlan): Reading | undefined {
  const known = last?.of === of ? last : undefined;
  const isFinished = known?.endedAt !== undefined;
  if (known !== undefined && !isAll) {
    if (!isFinished) return known;
    if (now.getTime() < Date.parse(known.startedAt) + every) return undefined;
  }
  const lastEndedAt = known?.endedAt ?? known?.lastEndedAt;
  const lastStartedAt = isFinished ? known?.startedAt : known?.lastStartedAt;
  return {
    of,
    startedAt: now.toISOString(),
    read: 0,
    ...(lastEndedAt === undefined ? {} : { lastEndedAt }),
    ...(lastStartedAt === undefined ? {} : { lastStartedAt }),
    ...((isFinished ? (known?.missed?.length ?? 0) > 0 : known?.lastMissed) ? { lastMissed: true } : {}),
    ...(known?.isUnclear ? { by: 'query', isUnclear: true } : {}),
    ...(isAll ? { inOneGo: true } : {}),
  };
}

/**
 * Whether a sweep has read enough twins for now. A reading is spread evenly: after half of `spread` milliseconds, half of the twins are
 * read. Pure.
 */
export function isEnough({ startedAt, read, total, inOneGo }: Reading, now: Date, spread: number): boolean {
  if (inOneGo || total === undefined) return false;
  return read * spread >= total * (now.getTime() - Date.parse(startedAt));
}

/** Says in one sentence which part of the twins a sweep has read. `isDue`: whether this sweep read any. `every`: see {@link ReadingPlan}. Pure. */
export function describeReading(reading: Reading, isDue: boolean, every: number): string {
  const { startedAt, read, total, endedAt, lastEndedAt, by } = reading;
  if (endedAt !== undefined && !isDue) {
    const next = new Date(Date.parse(startedAt) + every).toISOString();
    return `This sweep read none of them: the last full read ended at ${endedAt}, and the next begins after ${next}.`;
  }
  if (endedAt !== undefined) {
    const source = by === 'export' ? ` from an export, which began at ${startedAt},` : '';
    return `The full read of ${read} twins${source} ended at ${endedAt}.`;
  }
  const last = lastEndedAt === undefined ? 'no full read has ended yet' : `the last full read ended at ${lastEndedAt}`;
  if (by === 'export')
    return `Later sweeps read an export of the twins, which the hub writes since ${startedAt}, and ${last}.`;
  const parts = total === undefined ? `${read} twins` : `${read} of about ${total} twins`;
  return `${parts} are read since ${startedAt}, later sweeps read the rest, and ${last}.`;
}
