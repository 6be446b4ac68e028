import { joinText, splitText } from '../../storage/index.ts';
import { newSweepId, sweepRows } from './keys.ts';

/** What woke a sweep. */
export type SweepTrigger = 'timer' | 'manual';

/** What is on record about one sweep. */
export interface SweepRow {
  readonly v: 1;
  /** Sorts by the time of its start, newest first. */
  readonly id: string;
  readonly trigger: SweepTrigger;
  readonly startedAt: string;
  /** When everything had been asked; what was found may still be worked on. */
  readonly endedAt?: string;
  /** `running`, also where its process died: the next one goes on from its place. `done`, or `abandoned` where policies had changed. */
  readonly state: 'running' | 'done' | 'abandoned';
  /** How often it was gone on with after a deadline or a crash. */
  readonly resumed: number;
  /** Twins that were looked at one by one, because a query named them or their policy cannot be asked as a query. */
  readonly examined: number;
  /** Departures that the sweep found out of line, known ones included. */
  readonly found: number;
  /** Properties set back or removed, and modules created. */
  readonly changed: number;
  readonly hubCalls: number;
  /** Devices that could not be dealt with and are tried again. */
  readonly deferred: number;
  /** The parts that the work was handed out in, and how many of them are done. */
  readonly parts: number;
  readonly partsDone: number;
  /** When the last of them was done; absent before. */
  readonly lastPartAt?: string;
  /** Automatic configurations of the hub that compete with policies, each in a sentence. */
  readonly competing: readonly string[];
  /** Policies that cannot be asked as queries, each with the reason in a sentence: their modules were walked, or not swept at all. */
  readonly walked: readonly string[];
}

/** The numbers of a sweep that the parts of its work add to. */
export interface SweepCounts {
  readonly examined: number;
  readonly found: number;
  readonly changed: number;
  readonly hubCalls: number;
  readonly deferred: number;
}

/** The row of a sweep that begins now. */
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

/** A row as Table Storage keeps it. */
export function toSweepEntity({ competing, walked, id, ...plain }: SweepRow) {
  return {
    partitionKey: sweepRows,
    rowKey: id,
    ...plain,
    ...splitText('competing', JSON.stringify(competing)),
    ...splitText('walked', JSON.stringify(walked)),
  };
}

/** Undoes {@link toSweepEntity}; what its parts add is not in it. */
export function fromSweepEntity(entity: Readonly<Record<string, unknown>>): SweepRow {
  const number = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
  return {
    v: 1,
    id: String(entity.rowKey),
    trigger: entity.trigger === 'manual' ? 'manual' : 'timer',
    startedAt: String(entity.startedAt),
    ...(typeof entity.endedAt === 'string' ? { endedAt: entity.endedAt } : {}),
    state: entity.state === 'done' || entity.state === 'abandoned' ? entity.state : 'running',
    resumed: number('resumed'),
    examined: number('examined'),
    found: number('found'),
    changed: number('changed'),
    hubCalls: number('hubCalls'),
    deferred: number('deferred'),
    parts: number('parts'),
    partsDone: 0,
    competing: texts(joinText('competing', entity)),
    walked: texts(joinText('walked', entity)),
  };
}

function texts(stored: string | undefined): readonly string[] {
  try {
    const list: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}
