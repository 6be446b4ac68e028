import { joinText, splitText } from '../../storage/index.ts';
import { newSweepId, sweepPartition } from './keys.ts';

/** Who started a sweep: the timer, or a person. */
export type SweepTrigger = 'timer' | 'manual';

/** The row of one sweep, as the API shows it. Times are ISO 8601. */
export interface SweepRow {
  readonly v: 1;
  /** Ids sort by the start of the sweep, newest first. */
  readonly id: string;
  readonly trigger: SweepTrigger;
  readonly startedAt: string;
  /** When the sweep had asked all queries, or was abandoned. Work items may still be queued then. */
  readonly endedAt?: string;
  /**
   * `running`: not at its end. A sweep whose process died stays `running` until another process resumes it from its checkpoint.
   * `abandoned`: the policies changed before the sweep reached its end.
   */
  readonly state: 'running' | 'done' | 'abandoned';
  /** Times the sweep was resumed, after a deadline or a crash. */
  readonly resumed: number;
  /** Twins examined one by one: a query named them, or no query can express their policy. */
  readonly examined: number;
  /** Departures that the sweep found, including known ones. */
  readonly found: number;
  /** Properties changed or removed, plus modules created. */
  readonly changed: number;
  readonly hubCalls: number;
  /** Devices that a work item could not finish. A retry, or else the next sweep, deals with them. */
  readonly deferred: number;
  /** Work items queued. A "part" in stored and public names is a work item. */
  readonly parts: number;
  /** Work items done. */
  readonly partsDone: number;
  /** When the latest work item was done. Absent while none is done. */
  readonly lastPartAt?: string;
  /** Automatic configurations of the hub that compete with policies, one sentence each. */
  readonly competing: readonly string[];
  /** Policies that queries could not cover, one sentence each with the reason. Their twins were read one by one, or not swept at all. */
  readonly walked: readonly string[];
}

/** Counts that each work item adds to the row of its sweep. */
export interface SweepCounts {
  readonly examined: number;
  readonly found: number;
  readonly changed: number;
  readonly hubCalls: number;
  readonly deferred: number;
}

/** The row of a new sweep that starts at `time`. */
export function newSweepRow(trigger: SweepTrigger, time: Date): SweepRow {
  return {
    v: 1,
    id: newSweepId(time.getTime()),
    trigger,
    startedAt: time.toISOString(),
    state: 'running',
    resumed: 0,
    examined: 0,
    found: 0,
    changed: 0,
    hubCalls: 0,
    deferred: 0,
    parts: 0,
    partsDone: 0,
    competing: [],
    walked: [],
  };
}

/** Converts a row to its entity in Table Storage. */
export function toSweepEntity({ competing, walked, id, ...plain }: SweepRow) {
  return {
    partitionKey: sweepPartition,
    rowKey: id,
    ...plain,
    ...splitText('competing', JSON.stringify(competing)),
    ...splitText('walked', JSON.stringify(walked)),
  };
}

/** Reverses {@link toSweepEntity}. The counts of the work items are not included. */
export function fromSweepEntity(entity: Readonly<Record<string, unknown>>): SweepRow {
  const count = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
  return {
    v: 1,
    id: String(entity.rowKey),
    trigger: entity.trigger === 'manual' ? 'manual' : 'timer',
    startedAt: String(entity.startedAt),
    ...(typeof entity.endedAt === 'string' ? { endedAt: entity.endedAt } : {}),
    state: entity.state === 'done' || entity.state === 'abandoned' ? entity.state : 'running',
    resumed: count('resumed'),
    examined: count('examined'),
    found: count('found'),
    changed: count('changed'),
    hubCalls: count('hubCalls'),
    deferred: count('deferred'),
    parts: count('parts'),
    partsDone: 0,
    competing: sentencesOf(joinText('competing', entity)),
    walked: sentencesOf(joinText('walked', entity)),
  };
}

function sentencesOf(stored: string | undefined): readonly string[] {
  try {
    const list: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}
