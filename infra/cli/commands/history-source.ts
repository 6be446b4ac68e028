import type {
  DeviceAnswer,
  DeviceThenAnswer,
  FleetAnswer,
  HealthDetails,
  HealthProblem,
  OpenTotals,
  PolicyVersionsAnswer,
  StandingThen,
  SummaryAnswer,
} from '../../../functions/api/answers.ts';
import { fleetAnswer } from '../../../functions/api/fleet-answer.ts';
import { openTotals } from '../../../functions/api/open-totals.ts';
import type { ActionLog } from '../../../shared/actions/index.ts';
import {
  createHistory,
  createRollups,
  createRunningPasses,
  type DriftQuery,
  type DriftRow,
  type DuringQuery,
  type History,
} from '../../../shared/drift/index.ts';
import { createPolicyVersions } from '../../../shared/evidence/index.ts';
import type { SealInShort } from '../../../shared/evidence/seal/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createDeadLetterList, createDeferredQueueLength } from '../../../shared/retry/index.ts';
import { createStatusStore, findProblems, mostDeadLetters, readFacts } from '../../../shared/status/index.ts';
import type { StorageAccount } from '../../../shared/storage/index.ts';
import { createSweepStore, type SweepRow } from '../../../shared/sweep/store/index.ts';
import { openActionLog } from '../record-action.ts';

/** The twins of a device as they are now, compared with the policies of the device. */
export interface LiveDevice extends Pick<DeviceAnswer, 'exists' | 'at' | 'modules'> {
  /** Name of the hub. Absent when the app has read the twins. */
  readonly hub?: string;
}

/** What is out of line. */
export interface Standing {
  readonly policies: readonly {
    readonly policy: string;
    /** Number of devices in the policy's scope. `undefined` until a sweep has counted them. */
    readonly devices: number | undefined;
    /** Number of devices with an open row of this policy. */
    readonly outOfLine: number;
  }[];
  /** How many devices keep to all policies that apply to them. Numbers that are not counted are `null`. */
  readonly fleet: FleetAnswer;
  readonly open: OpenTotals;
  /** The time of the counts of open rows, ISO 8601. */
  readonly countedAt: string;
}

/** The history that a command reads. It comes from a storage account or from the HTTP API of the running app. */
export interface HistorySource extends Pick<History, 'page' | 'open' | 'during'> {
  /** Reads what was in force at a time, ISO 8601. */
  standingAt(at: string): Promise<StandingThen>;
  /** Reads what was in force for a device at a time, ISO 8601, and what was out of line. */
  deviceAt(deviceId: string, at: string): Promise<DeviceThenAnswer>;
  /** Reads one page of what operators did, newest first. See `ActionLog.page`. */
  readonly actions: ActionLog['page'];
  /** Reads the counts of the hours between two times, both ISO 8601. Reads one entity for each day. */
  summary(from: string, to: string): Promise<Pick<SummaryAnswer, 'buckets' | 'compliance' | 'fleet'>>;
  /** Reads the versions of a policy, and when each was in force. Both lists are empty for a policy that the app has never run with. */
  policyVersions(policy: string): Promise<Pick<PolicyVersionsAnswer, 'versions' | 'inForce'>>;
  /** The names of the policies that are in force now. */
  policyNames(): Promise<readonly string[]>;
  /** Reads the row of the newest sweep. Resolves with `undefined` when there has been no sweep. */
  lastSweep(): Promise<SweepRow | undefined>;
  /** Counts the dead letters: the events that are no longer retried automatically. Counts at most {@link mostDeadLetters}. */
  deadLetters(): Promise<number>;
  /** Counts what is out of line. Reads stored counts when many rows are open, and never the open rows of a whole fleet. */
  standing(): Promise<Standing>;
  /**
   * Asks the running app for its health. Absent when the history does not come from the running app. Resolves with `undefined` when the app
   * has no such answer, for example because it is older.
   */
  health?(): Promise<HealthDetails | undefined>;
  /**
   * Finds the problems of the app from what it has stored. Absent when the running app tells its problems itself. Resolves with `undefined`
   * when the app has never stored how it is.
   */
  problems?(): Promise<readonly HealthProblem[] | undefined>;
  /** Lists the seals of the days from one to another, both included. Absent when the history comes from the running app. */
  seals?(first: string, last: string): Promise<readonly SealInShort[]>;
  /** Reads the twins of a device. Absent when the source of the history cannot read twins. */
  device?(deviceId: string): Promise<LiveDevice>;
}

/** The history in a storage account. `policies` are the names of the policies in this build of the command. */
export function fromStorage(storage: StorageAccount, policies: readonly string[]): HistorySource {
  const now = () => new Date();
  const history = createHistory(storage, now);
  const { page, open, during } = history;
  const past = () => ({
    history,
    policyVersions: createPolicyVersions(storage, now),
    rollups: createRollups(storage, now),
    sweepStore: createSweepStore(storage, now),
  });
  return {
    page,
    open,
    during,

    async standingAt(at) {
      const { readStandingAt } = await import('../../../functions/api/standing-at.ts');
      return readStandingAt(past(), at);
    },

    async deviceAt(deviceId, at) {
      const { readDeviceThen } = await import('../../../functions/api/device-then.ts');
      return readDeviceThen(past(), deviceId, at);
    },

    actions: openActionLog(storage).page,

    async summary(from, to) {
      const [{ toBucketCompliance }, { buckets, compliance, fleet }] = await Promise.all([
        import('../../../functions/api/bucket-compliance.ts'),
        createRollups(storage, now).summary(from, to, 1),
      ]);
      return {
        buckets,
        compliance: compliance.map((each) => ({ policy: each.policy, ...toBucketCompliance(each) })),
        fleet: fleet.map(toBucketCompliance),
      };
    },

    async policyVersions(policy) {
      const versions = createPolicyVersions(storage, now);
      const [listed, inForce] = await Promise.all([versions.list(policy), versions.periods(policy)]);
      return { versions: listed, inForce };
    },

    async policyNames() {
      // What the app has recorded counts, not the policies in this build of the command.
      const inForce = await createPolicyVersions(storage, now).at(now());
      return inForce === undefined ? policies : Object.keys(inForce.policies);
    },

    async lastSweep() {
      return (await createSweepStore(storage, now).list(1))[0];
    },

    deadLetters: () => createDeadLetterList(storage).count(mostDeadLetters),

    async seals(first, last) {
      const { listSeals } = await import('../../../shared/evidence/seal/index.ts');
      return listSeals(storage, first, last);
    },

    async problems() {
      const statusStore = createStatusStore(storage, now);
      const rolledUp = await statusStore.rolledUp();
      if (rolledUp === undefined) return undefined;
      const facts = await readFacts(
        {
          statusStore,
          guardStore: createGuardStore(storage),
          sweepStore: createSweepStore(storage, now),
          deadLetterList: createDeadLetterList(storage),
          runningPasses: createRunningPasses(storage, now),
          deferredLength: createDeferredQueueLength(storage),
          policies,
          now,
        },
        rolledUp,
      );
      return findProblems(facts, rolledUp);
    },

    async standing() {
      const guards = createGuardStore(storage);
      const [open, fleet] = await Promise.all([createRollups(storage, now).openCounts(), guards.fleetCount()]);
      // A policy that this build no longer has can still have open rows.
      const names = [...new Set([...policies, ...open.devices.keys()])];
      const counted = names.map(async (policy) => ({
        policy,
        devices: policies.includes(policy) ? await guards.deviceCount(policy) : undefined,
        outOfLine: open.devices.get(policy) ?? 0,
      }));
      return {
        policies: await Promise.all(counted),
        fleet: fleetAnswer(fleet, open),
        open: openTotals(open),
        countedAt: open.countedAt,
      };
    },
  };
}

/** Largest number of rows on one page of results. */
const largestPage = 1000;

/** Reads the rows of a query page by page, and at most `limit` rows. `more` is true when the query has more rows than `limit`. */
export async function* pagesOf(
  history: HistorySource,
  query: DriftQuery | DuringQuery,
  limit: number,
): AsyncGenerator<{ readonly rows: readonly DriftRow[]; readonly more: boolean }> {
  let cursor: string | undefined;
  let left = limit;
  let more = false;
  do {
    // Reads one row more than `limit`, to find out whether the query has more rows.
    const size = Math.min(largestPage, left + 1);
    const page = await ('openFrom' in query ? history.during(query, size, cursor) : history.page(query, size, cursor));
    const rows = page.rows.slice(0, left);
    left -= rows.length;
    cursor = page.cursor;
    more = page.rows.length > rows.length;
    if (page.rows.length > 0) yield { rows, more };
  } while (cursor !== undefined && !more);
}
