import type { RunningPasses } from '../drift/index.ts';
import { type CompetingSetting, describeCompeting, type GuardStore } from '../guards/index.ts';
import type { DeadLetterList } from '../retry/index.ts';
import { readMissed, type SweepStore } from '../sweep/store/index.ts';
import { type HeldBackReason, heldBackReasons } from './status.ts';
import type { RolledUp, StatusStore } from './status-store.ts';
import { sumUsage, type Usage } from './usage.ts';

/** Where the facts are read. */
export interface FactSources {
  readonly statusStore: Pick<StatusStore, 'usages' | 'rolledUp'>;
  readonly guardStore: Pick<GuardStore, 'deviceCount' | 'fleetCount' | 'releasedUntil' | 'competing'>;
  readonly sweepStore: Pick<SweepStore, 'list' | 'readMemo'>;
  readonly deadLetterList: Pick<DeadLetterList, 'count'>;
  readonly runningPasses: Pick<RunningPasses, 'oldest'>;
  /** Reads the number of messages in the deferred queue. */
  readonly deferredLength: () => Promise<number>;
  /** The names of the policies of the app. */
  readonly policies: readonly string[];
  readonly now: () => Date;
}

/** What storage says about the app at one time. Times are ISO 8601. An absent time means that it never happened, or is not known. */
export interface Facts {
  readonly at: string;
  /** The time of the first `roll-up` of all. Absent before it. */
  readonly since?: string;
  /** The time of the last `roll-up`. The numbers of open rows are of that time. */
  readonly rolledUpAt?: string;
  readonly policies: readonly {
    readonly policy: string;
    /** Number of devices in the scope of the policy. Absent before the first sweep. */
    readonly devices?: number;
    readonly outOfLine: number;
  }[];
  /** The devices to which at least one policy applies. */
  readonly fleet: {
    /** Number of these devices. Absent before a sweep has looked at all policies. */
    readonly devices?: number;
    /** Number of those with open rows, of any policy. Absent before the first `roll-up`. */
    readonly outOfLine?: number;
  };
  readonly open: number;
  readonly heldBack: Readonly<Record<HeldBackReason, number>>;
  /** The policies that have no limit for a while, because they were released. */
  readonly released: readonly { readonly policy: string; readonly until: string }[];
  /** The ids of the configurations of the hub that set what a policy forbids. */
  readonly competingConfigurations: readonly string[];
  /** One sentence for each setting of these configurations, and for settings that a policy overrides. */
  readonly competing: readonly string[];
  /** Number of dead letters. At most {@link mostDeadLetters}. */
  readonly deadLetters: number;
  /** Approximate number of devices in the queue for retries. */
  readonly deferred: number;
  /** One sentence for each policy whose queries did not return a twin that breaks it, as the last full look found. */
  readonly missedByQueries: readonly string[];
  /** When the last sweep that finished ended. */
  readonly sweepEndedAt?: string;
  /** When the newest sweep made progress last: its start, its end, or the end of one of its work items. */
  readonly sweepActiveAt?: string;
  /** How long the last sweep that finished took, in milliseconds. */
  readonly sweepDuration?: number;
  /** Since when rows may be `pending`: the beginning of the oldest pass that has not ended. */
  readonly pendingSince?: string;
  /** The time of a change to the hub after which no event has arrived. */
  readonly unansweredSince?: string;
  readonly usage: Usage;
}

/** The largest number of dead letters that are counted. */
export const mostDeadLetters = 5000;

/**
 * The number of sweeps that are read to find the last one that finished. A running sweep and abandoned sweeps can be newer. Each costs one
 * read for about 100 devices that it queued.
 */
const readSweeps = 3;

/**
 * Reads the facts from storage. Makes no hub call. The number of reads depends on the policies, the queue and the dead letters, but not on
 * the length of the history: open rows are not read, but taken from the last `roll-up`. Throws the errors of the storage service unchanged.
 *
 * @param rolledUp the counts of open rows, when the caller has just counted them
 */
export async function readFacts(sources: FactSources, rolledUp?: RolledUp): Promise<Facts> {
  const { statusStore, guardStore, sweepStore, deadLetterList, runningPasses, policies } = sources;
  const now = sources.now();
  const [usages, counted, devices, fleet, released, competing, sweeps, missed, deadLetters, deferred, pendingSince] =
    await Promise.all([
      statusStore.usages(),
      rolledUp ?? statusStore.rolledUp(),
      Promise.all(policies.map((policy) => guardStore.deviceCount(policy))),
      guardStore.fleetCount(),
      Promise.all(policies.map((policy) => guardStore.releasedUntil(policy))),
      guardStore.competing(),
      sweepStore.list(readSweeps),
      readMissed(sweepStore),
      deadLetterList.count(mostDeadLetters),
      sources.deferredLength(),
      runningPasses.oldest(),
    ]);
  const usage = withEarlierEvent(sumUsage(usages, now), counted);
  const [newest] = sweeps;
  const done = sweeps.find(({ state }) => state === 'done');
  const activeTimes = [newest?.startedAt, newest?.endedAt, newest?.lastPartAt].filter((time) => time !== undefined);
  const unansweredSince = unansweredChange(usage, counted);
  return {
    at: now.toISOString(),
    ...(counted === undefined ? {} : { since: counted.since, rolledUpAt: counted.at }),
    policies: policies.map((policy, index) => {
      const inScope = devices[index];
      return {
        policy,
        ...(inScope === undefined ? {} : { devices: inScope }),
        outOfLine: counted?.outOfLine[policy] ?? 0,
      };
    }),
    fleet: {
      ...(fleet === undefined ? {} : { devices: fleet.devices }),
      ...(counted?.devicesOutOfLine === undefined ? {} : { outOfLine: counted.devicesOutOfLine }),
    },
    open: counted?.open ?? 0,
    heldBack: heldBackOf(counted?.reasons ?? {}),
    released: policies.flatMap((policy, index) => {
      const until = released[index];
      return until === undefined ? [] : [{ policy, until: until.toISOString() }];
    }),
    competingConfigurations: [...new Set(competing.filter(isInForce).map(({ configuration }) => configuration))],
    competing: [...new Set(competing.map(describeCompeting))],
    // The policies of the app may have changed since the look.
    missedByQueries: policies.flatMap((policy) => missed[policy] ?? []),
    deadLetters,
    deferred,
    ...(done?.endedAt === undefined
      ? {}
      : { sweepEndedAt: done.endedAt, sweepDuration: Date.parse(done.endedAt) - Date.parse(done.startedAt) }),
    ...(activeTimes.length === 0 ? {} : { sweepActiveAt: activeTimes.reduce((a, b) => (a > b ? a : b)) }),
    ...(pendingSince === undefined ? {} : { pendingSince: pendingSince.toISOString() }),
    ...(unansweredSince === undefined ? {} : { unansweredSince }),
    usage,
  };
}

/**
 * Milliseconds by which the event of a change may come before the answer to the call: the time-out of one hub call. A bulk call answers after
 * the events of its first modules, and the clocks of two instances differ.
 */
const eventLead = 30_000;

/**
 * The time of a change to the hub after which no event has arrived. The hub reports each change as an event, so an app whose changes stay
 * without events does not get events any more. `undefined` when events came after the last change. Pure.
 */
export function unansweredChange(
  { lastEventAt = '', lastChangeAt = '' }: Pick<Usage, 'lastEventAt' | 'lastChangeAt'>,
  rolledUp: Pick<RolledUp, 'unansweredSince'> | undefined,
): string | undefined {
  const isUnanswered = (change: string) =>
    change !== '' && (lastEventAt === '' || Date.parse(change) - Date.parse(lastEventAt) > eventLead);
  // An earlier change that is still without an event counts, so that changes every minute do not hide the missing events.
  return [rolledUp?.unansweredSince ?? '', lastChangeAt].find(isUnanswered);
}

/** Takes the last event from the last `roll-up`, when it came on a day whose use is not read any more. */
function withEarlierEvent(usage: Usage, rolledUp: RolledUp | undefined): Usage {
  const lastEventAt = [usage.lastEventAt ?? '', rolledUp?.lastEventAt ?? ''].reduce((a, b) => (a > b ? a : b));
  return lastEventAt === '' ? usage : { ...usage, lastEventAt };
}

/** The reasons as the open list counts them, and the names that the status gives them. */
const reasonNames: Readonly<Record<string, HeldBackReason>> = {
  'heldBack: blastRadius': 'blastRadius',
  'heldBack: contested': 'contested',
  'heldBack: competingConfiguration': 'competing',
  'deferred: settling': 'settling',
};

function heldBackOf(reasons: Readonly<Record<string, number>>): Readonly<Record<HeldBackReason, number>> {
  const counts = Object.fromEntries(heldBackReasons.map((reason) => [reason, 0])) as Record<HeldBackReason, number>;
  for (const [reason, count] of Object.entries(reasons)) {
    const name = Object.hasOwn(reasonNames, reason) ? reasonNames[reason] : undefined;
    if (name !== undefined) counts[name] += count;
    else if (reason.startsWith('heldBack')) counts.other += count;
  }
  return counts;
}

/** Whether the app leaves a property alone because of the configuration. */
function isInForce({ overridden }: CompetingSetting): boolean {
  return !overridden;
}
