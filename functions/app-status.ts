import packageJson from '../package.json' with { type: 'json' };
import { createRunningPasses } from '../shared/drift/index.ts';
import { dailyMessages } from '../shared/hub/index.ts';
import { type PolicySet, policiesHash } from '../shared/policy/index.ts';
import { createDeadLetterList, createDeferredQueueLength } from '../shared/retry/index.ts';
import {
  type AppIdentity,
  type FactSources,
  type Facts,
  findProblems,
  type LiveChecks,
  type ProblemSettings,
  type RolledUp,
  readFacts,
  type StatusProblem,
} from '../shared/status/index.ts';
import { longestGap } from './ncrontab.ts';
import type { Settings } from './settings.ts';

/** The status of the whole app, from what is stored. */
export interface AppStatus {
  readonly identity: AppIdentity;
  /** The longest times between two runs of the timers. */
  readonly gaps: Pick<ProblemSettings, 'sweepGapMinutes' | 'rollUpGapMinutes'>;
  /** Reads the facts from storage, at no hub call. Throws the errors of the storage service unchanged. */
  facts(rolledUp?: RolledUp): Promise<Facts>;
  /** Finds the problems in the facts, and in what a check has just found. */
  problems(facts: Facts | undefined, live?: LiveChecks): readonly StatusProblem[];
}

interface AppStatusOptions extends Pick<FactSources, 'statusStore' | 'guardStore' | 'sweepStore' | 'now'> {
  readonly settings: Pick<Settings, 'storage' | 'mode' | 'sweep' | 'rollupSchedule' | 'budget'>;
  readonly policies: PolicySet;
  /** Since when the app runs, ISO 8601. Default: the start of the process. */
  readonly startedAt?: string;
}

/** Creates the status of an app. */
export function createAppStatus({
  settings,
  policies,
  statusStore,
  guardStore,
  sweepStore,
  now,
  startedAt = new Date(performance.timeOrigin).toISOString(),
}: AppStatusOptions): AppStatus {
  const { storage, mode, sweep, rollupSchedule, budget } = settings;
  const messagesAllowed = dailyMessages(budget);
  const sources = {
    statusStore,
    guardStore,
    sweepStore,
    deadLetterList: createDeadLetterList(storage),
    runningPasses: createRunningPasses(storage, now),
    deferredLength: createDeferredQueueLength(storage),
    policies: policies.all.map(({ name }) => name),
    now,
  };
  const gaps = { sweepGapMinutes: longestGap(sweep.schedule), rollUpGapMinutes: longestGap(rollupSchedule) };
  const problemSettings = { mode, ...gaps, messagesAllowed, startedAt };
  return {
    identity: { version: packageJson.version, mode, policiesHash: policiesHash(policies.all), messagesAllowed },
    gaps,
    facts: (rolledUp) => readFacts(sources, rolledUp),
    problems: (facts, live) => findProblems(facts, problemSettings, live),
  };
}
