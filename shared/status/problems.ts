import { operationClasses, sweepPart } from '../hub/index.ts';
import type { Facts } from './facts.ts';
import { mostDeadLetters } from './facts.ts';
import { type ProblemCode, problemCodes, problemSeverities } from './status.ts';

/** One problem of the app, in words. */
export interface StatusProblem {
  readonly code: ProblemCode;
  readonly severity: (typeof problemSeverities)[ProblemCode];
  /** What is wrong, one sentence. */
  readonly sentence: string;
  /** What to do, one sentence. */
  readonly advice: string;
}

/** What the settings say, as far as the problems depend on it. */
export interface ProblemSettings {
  readonly mode: 'enforce' | 'audit';
  /** The longest time between two sweeps by the timer, in minutes. */
  readonly sweepGapMinutes: number;
  /** The longest time between two runs of `roll-up`, in minutes. */
  readonly rollUpGapMinutes: number;
  /** The messages that the app may take from the hub's quota in a day. Absent when the caller does not know. */
  readonly messagesAllowed?: number;
  /** When this process started, ISO 8601. Absent when the caller is not the app. */
  readonly startedAt?: string;
}

/** What a check has just found: see `GET /api/health/details`. Absent parts were not checked. */
export interface LiveChecks {
  readonly hub?: { readonly ok: boolean; readonly detail: string };
  readonly storage?: { readonly ok: boolean; readonly detail: string };
}

const minute = 60_000;
/** Events about a change to the hub arrive within seconds. After this time without one, they do not arrive at all. */
const eventPatience = 15 * minute;
/** Calls to the hub fail for this long before the status says so. A single failed call says nothing. */
const failurePatience = 30_000;
/** A failure that is older than this says nothing about the present. */
const failureLife = 15 * minute;
/** A sweep is overdue at the earliest after this time. Longer for rare sweeps: see {@link sweepPatience}. */
const minSweepPatience = 120 * minute;
/** Runs of `roll-up` come every few minutes. After this time without one, the app does not run its timers. Longer for rare runs. */
const minReportPatience = 20 * minute;
/** A sweep whose work items made progress in this time is alive, however long it takes. */
const progressLife = 45 * minute;
/** Fewer 429s than this in five minutes are normal: the hub's 429s tell the app how fast it may go. */
const normalThrottles = 5;
/** The share of calls that the hub throttles, from which the throttling is a problem. */
const throttledShare = 0.1;

/** Milliseconds after which a sweep is overdue: two missed sweeps, and at least two hours. */
function sweepPatience({ sweepGapMinutes }: Pick<ProblemSettings, 'sweepGapMinutes'>): number {
  return Math.max(minSweepPatience, 2 * sweepGapMinutes * minute + 15 * minute);
}

/**
 * Finds the problems of the app, the worst first. Without facts, storage could not be read, and only the checks count. Pure.
 *
 * A quiet hub is no problem: `noEvents` needs a change by Twinkeeper itself, which the hub must report as an event.
 */
export function findProblems(
  facts: Facts | undefined,
  settings: ProblemSettings,
  live: LiveChecks = {},
): readonly StatusProblem[] {
  const found: Partial<Record<ProblemCode, readonly [sentence: string, advice: string] | undefined>> = {
    hubUnreachable: hubProblem(facts, live.hub),
    storageUnreachable: storageProblem(live.storage),
    auditMode:
      settings.mode === 'audit'
        ? [
            'Audit mode: drift is recorded, and nothing is repaired.',
            'When the history shows only drift that should be repaired, set TWINKEEPER_MODE to enforce.',
          ]
        : undefined,
    ...(facts === undefined ? {} : storedProblems(facts, settings)),
  };
  return problemCodes.flatMap((code) => {
    const [sentence, advice] = found[code] ?? [];
    if (sentence === undefined || advice === undefined) return [];
    return [{ code, severity: problemSeverities[code], sentence, advice }];
  });
}

/** Whether the app does its work in spite of these problems. */
export function isHealthy(problems: readonly Pick<StatusProblem, 'severity'>[]): boolean {
  return problems.every(({ severity }) => severity !== 'ill');
}

function storedProblems(facts: Facts, settings: ProblemSettings) {
  const { deadLetters, released, competingConfigurations, usage } = facts;
  const { messagesAllowed = Number.POSITIVE_INFINITY } = settings;
  const arePutOff = usage.messagesToday >= sweepPart * messagesAllowed || quotaProblem(facts) !== undefined;
  const now = Date.parse(facts.at);
  const age = (time: string | undefined) => (time === undefined ? undefined : now - Date.parse(time));
  const unanswered = age(facts.unansweredSince) ?? 0;
  const pending = age(facts.pendingSince) ?? 0;
  const calls = sum(usage.calls);
  const throttled = sum(usage.throttled);
  const problem = (is: boolean, sentence: string, advice: string) => (is ? ([sentence, advice] as const) : undefined);
  return {
    noEvents: problem(
      unanswered > eventPatience,
      `No events arrive from the hub: a change ${inWords(unanswered)} ago was not followed by one${usage.lastEventAt === undefined ? '' : `, and the last event came ${inWords(age(usage.lastEventAt) ?? 0)} ago`}.`,
      "Check the hub's two routes, the event hub that they lead to, and the function twin-events. Until then, only sweeps find drift.",
    ),
    hubQuota: quotaProblem(facts),
    // A sweep that is put off is late on purpose.
    sweepOverdue: arePutOff ? undefined : sweepProblem(facts, settings, now),
    notReporting: reportProblem(facts, settings, now),
    pendingStuck: problem(
      pending > sweepPatience(settings),
      `History rows are pending since ${inWords(pending)}: a process died while it wrote them, and no sweep has finished them.`,
      'Look at the log of the functions sweep and sweep-work, then run "twinkeeper sweep".',
    ),
    queriesUntrue: problem(
      facts.missedByQueries.length > 0,
      facts.missedByQueries.slice(0, 3).join(' '),
      'Drift that no event tells may stay until the next full look. Set TWINKEEPER_FULL_LOOK_DAYS to 1, and report the query to the makers of Twinkeeper.',
    ),
    deadLetters: problem(
      deadLetters > 0,
      `${deadLetters >= mostDeadLetters ? `${mostDeadLetters} or more` : deadLetters} ${deadLetters === 1 ? 'dead letter holds' : 'dead letters hold'} events that were given up.`,
      '"twinkeeper dead-letters list" shows the reasons. When the cause is gone, run "twinkeeper dead-letters replay --all".',
    ),
    throttled: problem(
      throttled >= normalThrottles && throttled > throttledShare * calls,
      `The hub throttles: ${throttled} of ${calls} calls in five minutes got a 429.`,
      'Lower TWINKEEPER_BUDGET_SHARE, find out which other client uses the hub, or add units to the hub.',
    ),
    messageShare: problem(
      usage.messagesToday >= sweepPart * messagesAllowed,
      `Twinkeeper has taken ${usage.messagesToday} of the ${messagesAllowed} messages that it may take in a day: ${usage.messagesToday < messagesAllowed ? 'sweeps are put off' : 'all reads and repairs of twins are put off'} until 00:00 UTC.`,
      'Find out what reads so much: see "Messages" in docs/operating.md. Raise TWINKEEPER_MESSAGE_SHARE if the telemetry of the fleet leaves room, or sweep less often.',
    ),
    limitLifted: problem(
      released.length > 0,
      `The blast radius is lifted for ${released.map(({ policy, until }) => `${policy} until ${until.slice(11, 16)} UTC`).join(', ')}.`,
      'Nothing is to do if the release was on purpose. The limit holds again after that time.',
    ),
    competing: problem(
      competingConfigurations.length > 0,
      `${competingConfigurations.length === 1 ? 'A configuration' : `${competingConfigurations.length} configurations`} of the hub (${competingConfigurations.slice(0, 5).join(', ')}${competingConfigurations.length > 5 ? ', …' : ''}) set what policies forbid.`,
      'Remove the paths from the configuration, or give the policy overrideConfigurations: true.',
    ),
  };
}

function hubProblem(facts: Facts | undefined, live: LiveChecks['hub']) {
  const advice = 'Check that the hub exists and answers, its network rules, and the rights of the app on it.';
  if (live !== undefined) return live.ok ? undefined : ([`The hub cannot be used: ${live.detail}.`, advice] as const);
  const { lastFailureAt, lastAnswerAt = '', failure = '' } = facts?.usage ?? {};
  if (facts === undefined || lastFailureAt === undefined || lastFailureAt <= lastAnswerAt) return undefined;
  if (Date.parse(facts.at) - Date.parse(lastFailureAt) > failureLife) return undefined;
  // The first failure is not stored, so the time since the last answer tells how long the calls fail.
  if (lastAnswerAt !== '' && Date.parse(lastFailureAt) - Date.parse(lastAnswerAt) < failurePatience) return undefined;
  return [`The hub cannot be used: ${failure}.`, advice] as const;
}

function storageProblem(live: LiveChecks['storage']) {
  if (live === undefined || live.ok) return undefined;
  return [
    `The storage account cannot be used: ${live.detail}.`,
    'Check that the account exists and answers, its network rules, and the rights of the app on it.',
  ] as const;
}

function quotaProblem({ at, usage }: Facts) {
  const { quotaEndedAt, quotaTakenAt = '' } = usage;
  // The quota begins again with each day (UTC). A later call that took messages shows that units were added to the hub.
  if (quotaEndedAt === undefined || quotaEndedAt < quotaTakenAt || dayOf(quotaEndedAt) !== dayOf(at)) return undefined;
  return [
    `The daily message quota of the hub is used up since ${quotaEndedAt.slice(11, 16)} UTC: the hub refuses reads and changes of twins, and the telemetry of the fleet.`,
    'Add units to the hub, or wait until 00:00 UTC. What was put off is then done. Look at the metric dailyMessageQuotaUsed of the hub to see who takes the messages.',
  ] as const;
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}

function sweepProblem(facts: Facts, settings: ProblemSettings, now: number) {
  const { sweepEndedAt, sweepActiveAt, since } = facts;
  const patience = sweepPatience(settings);
  // Before the first sweep, the time since the first `roll-up` counts.
  const from = Date.parse(sweepEndedAt ?? since ?? settings.startedAt ?? facts.at);
  if (now - from <= patience) return undefined;
  if (sweepActiveAt !== undefined && now - Date.parse(sweepActiveAt) <= progressLife) return undefined;
  return [
    sweepEndedAt === undefined
      ? `No sweep has ever finished, and the app runs since ${inWords(now - from)}.`
      : `The last sweep that finished ended ${inWords(now - from)} ago.`,
    'Look at the log of the functions sweep and sweep-work. Drift that no event tells is not found until a sweep runs.',
  ] as const;
}

function reportProblem({ at, rolledUpAt }: Facts, { rollUpGapMinutes, startedAt }: ProblemSettings, now: number) {
  const silent = now - Date.parse(rolledUpAt ?? startedAt ?? at);
  if (silent <= Math.max(minReportPatience, 2 * rollUpGapMinutes * minute + 5 * minute)) return undefined;
  return [
    `The app has ${rolledUpAt === undefined ? 'never counted the history' : `not counted the history for ${inWords(silent)}`}: its timers do not run.`,
    'Check that the function app is running, and look at the log of the function roll-up.',
  ] as const;
}

function sum(counts: Facts['usage']['calls']): number {
  return operationClasses.reduce((total, operation) => total + counts[operation], 0);
}

function inWords(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / minute));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
