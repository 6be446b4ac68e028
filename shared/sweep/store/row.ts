import { joinText, splitText } from '../../storage/index.ts';
import { newSweepId, sweepPartition } from './keys.ts';
import type { VerifiedByPolicy } from './verified.ts';

/** Who started a sweep: the timer, or a person. */
export type SweepTrigger = 'timer' | 'manual';

/** The row of one sweep, as the API returns it. Times are ISO 8601. */
export interface SweepRow {
  readonly v: 1;
  /** Id of the sweep. Ids sort by the start of the sweep, newest first. */
  readonly id: string;
  readonly trigger: SweepTrigger;
  readonly startedAt: string;
  /** The hash of all policies' definitions. Absent in rows of earlier versions. */
  readonly policiesVersion?: string;
  /** The version of the app that began the sweep. Absent in rows of earlier versions. */
  readonly appVersion?: string;
  /**
   * When the sweep had sent all queries, or was abandoned. Work items may still be queued at that time. Absent while the sweep is running.
   */
  readonly endedAt?: string;
  /**
   * `running`: the sweep has not ended. A sweep whose process died stays `running` until another process resumes it at its checkpoint.
   * `abandoned`: the policies changed before the sweep ended.
   */
  readonly state: 'running' | 'done' | 'abandoned';
  /** Number of times that the sweep was resumed after a deadline or a crash. */
  readonly resumed: number;
  /** Number of twins that were examined one by one: the twins in work items, and all twins of policies that queries cannot fully test. */
  readonly examined: number;
  /** Number of departures from policies that the sweep found, including departures that were already recorded. */
  readonly found: number;
  /** Number of changes: properties that were changed or removed, and modules that were created. */
  readonly changed: number;
  readonly hubCalls: number;
  /** Number of devices that a work item did not finish at its first attempt. A retry or the next sweep handles these devices. */
  readonly deferred: number;
  /** Number of devices that still wait in the queue: for their first attempt, or for a retry. */
  readonly waiting: number;
  /** Number of devices that the sweep found and did not queue, because they were already waiting in the queue. */
  readonly alreadyQueued: number;
  /** Number of modules that the sweep found and did not read: the guards still hold their repair back, and their twins have not changed. */
  readonly heldBack: number;
  /** Number of work items queued. Stored and public names call a work item a "part". */
  readonly parts: number;
  /** Number of work items that were handled at least once. Some of their devices may wait for a retry: see `waiting`. */
  readonly partsDone: number;
  /** When the last of the finished work items was done. Absent until one work item is done. */
  readonly lastPartAt?: string;
  /** Settings of the hub's automatic configurations that compete with policies, one sentence each. */
  readonly competing: readonly string[];
  /**
   * Policies whose drift queries could not find. One sentence each, with the reason and the part of the twins that the sweep read.
   */
  readonly walked: readonly string[];
  /** Mistakes in policies that the sweep noticed, one sentence each: a scope without any device, or a module id in another case. Also queries of the hub that missed a twin. */
  readonly warnings: readonly string[];
  /** How the sweep looked at the devices of each policy. Nothing is verified before the state is `done`. Absent in rows of earlier versions. */
  readonly verified?: VerifiedByPolicy;
}

/** Counts of one work item, which are added to the row of the sweep. */
export interface SweepCounts {
  readonly examined: number;
  readonly found: number;
  readonly changed: number;
  readonly hubCalls: number;
  readonly deferred: number;
}

/** What was in force when a sweep began. */
export type SweepVersions = Pick<SweepRow, 'policiesVersion' | 'appVersion'>;

/** Creates the row of a new sweep that starts at `time`. */
export function newSweepRow(trigger: SweepTrigger, time: Date, versions: SweepVersions = {}): SweepRow {
  return {
    v: 1,
    id: newSweepId(time.getTime()),
    trigger,
    startedAt: time.toISOString(),
    ...versions,
    state: 'running',
    resumed: 0,
    examined: 0,
    found: 0,
    changed: 0,
    hubCalls: 0,
    deferred: 0,
    waiting: 0,
    alreadyQueued: 0,
    heldBack: 0,
    parts: 0,
    partsDone: 0,
    competing: [],
    walked: [],
    warnings: [],
    verified: {},
  };
}

/** Converts a sweep's row to an entity of Table Storage. */
export function toSweepEntity({ competing, walked, warnings, verified, waiting: _, id, ...plain }: SweepRow) {
  return {
    partitionKey: sweepPartition,
    rowKey: id,
    ...plain,
    ...splitText('competing', JSON.stringify(competing)),
    ...splitText('walked', JSON.stringify(walked)),
    ...splitText('warnings', JSON.stringify(warnings)),
    ...splitText('verified', verified === undefined ? undefined : JSON.stringify(verified)),
  };
}

/** Converts an entity of {@link toSweepEntity} back to a row. The row does not yet include the counts of the work items. */
export function fromSweepEntity(entity: Readonly<Record<string, unknown>>): SweepRow {
  const count = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
  return {
    v: 1,
    id: String(entity.rowKey),
    trigger: entity.trigger === 'manual' ? 'manual' : 'timer',
    startedAt: String(entity.startedAt),
    ...(typeof entity.policiesVersion === 'string' ? { policiesVersion: entity.policiesVersion } : {}),
    ...(typeof entity.appVersion === 'string' ? { appVersion: entity.appVersion } : {}),
    ...(typeof entity.endedAt === 'string' ? { endedAt: entity.endedAt } : {}),
    state: entity.state === 'done' || entity.state === 'abandoned' ? entity.state : 'running',
    resumed: count('resumed'),
    examined: count('examined'),
    found: count('found'),
    changed: count('changed'),
    hubCalls: count('hubCalls'),
    deferred: count('deferred'),
    waiting: 0,
    alreadyQueued: count('alreadyQueued'),
    heldBack: count('heldBack'),
    parts: count('parts'),
    partsDone: 0,
    competing: sentencesOf(joinText('competing', entity)),
    walked: sentencesOf(joinText('walked', entity)),
    warnings: sentencesOf(joinText('warnings', entity)),
    ...verifiedOf(joinText('verified', entity)),
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

function verifiedOf(stored: string | undefined): Pick<SweepRow, 'verified'> {
  return stored === undefined ? {} : { verified: JSON.parse(stored) as VerifiedByPolicy };
}
