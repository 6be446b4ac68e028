import type { Clock } from '../clock.ts';
import type { CompetingSetting } from '../guards/index.ts';
import { competingSettings, type OverwriteLimit } from '../guards/index.ts';
import type { BudgetOptions, Hub } from '../hub/index.ts';
import type { Mode, Policy, PolicySet } from '../policy/index.ts';
import { type CallForecast, secondsFor } from './calls.ts';
import { ModuleForecast } from './module.ts';
import { type ForecastProgress, Questions } from './questions.ts';
import type { ForecastExample, PropertyForecast, RecordedForecast } from './tally.ts';

export interface ForecastParts {
  readonly policies: PolicySet;
  readonly hub: Hub;
  /** From which the time follows that it would take. */
  readonly budget: BudgetOptions;
  /** The blast-radius limit of each policy. */
  readonly limit: OverwriteLimit;
  readonly clock: Clock;
  readonly onProgress?: (progress: ForecastProgress) => void;
}

/** What a sweep would do. */
export interface Forecast {
  readonly hub: string;
  readonly policies: readonly PolicyForecast[];
  /** Where automatic configurations of the hub set what breaks a policy. */
  readonly competing: readonly CompetingSetting[];
  /** The hub calls that it would take to find and to mend it all. */
  readonly calls: CallForecast;
  /** How long they would take within the budget. */
  readonly seconds: number;
  /** Whether anything departs from the policies: it would be mended, or at least recorded. */
  readonly somethingToDo: boolean;
  /** The hub calls that it took to find this out. */
  readonly asked: number;
}

/** What would be done for one policy. */
export interface PolicyForecast {
  readonly policy: string;
  /** `''` for devices' own twins. */
  readonly module: string;
  readonly mode: Mode;
  /** In its scope. */
  readonly devices: number;
  /** Those of them that do not depart from it in anything. */
  readonly compliant: number;
  readonly modulesToCreate: number;
  readonly propertiesToChange: number;
  /** The properties that would be changed, by path, the most frequent first. */
  readonly changes: readonly PropertyForecast[];
  /** What would be recorded and not changed, the most frequent first. */
  readonly recorded: readonly RecordedForecast[];
  /** Present where values would be overwritten or removed. */
  readonly overwrites?: OverwriteForecast;
  /** Ten at most. */
  readonly examples: readonly ForecastExample[];
  /** Why every twin had to be looked at, where queries cannot say what departs. */
  readonly walked?: string;
}

/** What the blast-radius limit makes of a policy's changes, if nothing has been overwritten in the last hour. */
export interface OverwriteForecast {
  readonly count: number;
  readonly perHour: number;
  /** Those that would have to wait for another hour. */
  readonly heldBack: number;
}

/**
 * Says what a sweep would do now, from what queries show, and changes nothing: no read of single twins, and no walk where queries and counts
 * will do. Each twin counts once, however many queries name it.
 *
 * @throws one line for a person when the hub does not answer.
 */
export async function forecast(parts: ForecastParts): Promise<Forecast> {
  const { policies, hub, budget, clock, limit, onProgress = () => {} } = parts;
  const questions = new Questions(hub, clock, onProgress);
  const competing = competingSettings(policies.all, (await questions.configurations()) ?? []);

  const byPolicy = new Map<Policy, PolicyForecast>();
  let calls: Omit<CallForecast, 'total'> = { configuration: 1, query: 0, twinRead: 0, twinUpdate: 0, bulk: 0 };
  for (const [moduleId, its] of Map.groupBy(policies.all, ({ module }) => module)) {
    const module = new ModuleForecast({ moduleId, policies: its, questions, competing, limit, clock });
    await module.look();
    for (const policy of its) byPolicy.set(policy, module.resultFor(policy));
    const { twinRead, twinUpdate, bulk } = module.calls;
    calls = {
      ...calls,
      twinRead: calls.twinRead + twinRead,
      twinUpdate: calls.twinUpdate + twinUpdate,
      bulk: calls.bulk + bulk,
    };
  }
  calls = { ...calls, query: questions.sweepQueries };

  const results = policies.all.flatMap((policy) => byPolicy.get(policy) ?? []);
  const all = { ...calls, total: Object.values(calls).reduce((sum, count) => sum + count, 0) };
  return {
    hub: hub.name,
    policies: results,
    competing,
    calls: all,
    seconds: secondsFor(all, budget),
    somethingToDo: results.some(
      ({ modulesToCreate, propertiesToChange, recorded }) =>
        modulesToCreate + propertiesToChange > 0 || recorded.length > 0,
    ),
    asked: questions.calls,
  };
}
