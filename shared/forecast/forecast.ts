import type { Clock } from '../clock.ts';
import { competingSettings, type OverwriteLimit } from '../guards/index.ts';
import type { BudgetOptions, Hub } from '../hub/index.ts';
import type { Policy, PolicySet } from '../policy/index.ts';
import { type CallForecast, secondsFor } from './calls.ts';
import { ModuleForecast } from './module-forecast.ts';
import { type ForecastProgress, Questions } from './questions.ts';
import type { Forecast, PolicyForecast } from './result.ts';

export interface ForecastDependencies {
  readonly policies: PolicySet;
  readonly hub: Hub;
  /** From which the time follows that it would take. */
  readonly budget: BudgetOptions;
  /** The blast-radius limit of each policy. */
  readonly limit: OverwriteLimit;
  readonly clock: Clock;
  readonly onProgress?: (progress: ForecastProgress) => void;
}

/**
 * Says what a sweep would do now, from what queries show, and changes nothing: no read of single twins, and no walk where queries and counts
 * will do. Each twin counts once, however many queries name it.
 *
 * @throws one line for a person when the hub does not answer.
 */
export async function forecast(parts: ForecastDependencies): Promise<Forecast> {
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
