import type { Clock } from '../clock.ts';
import { type BlastRadius, competingSettings } from '../guards/index.ts';
import { type BudgetOptions, dailyMessages, type Hub, quotaMessageBytes } from '../hub/index.ts';
import type { Policy, PolicySet } from '../policy/index.ts';
import { bulkCallsFor, type CallForecast, daysFor, messagesFor, secondsFor } from './duration.ts';
import { type ForecastProgress, HubQueries } from './hub-queries.ts';
import { ModuleForecast } from './module-forecast.ts';
import type { Forecast, PolicyForecast } from './result.ts';

export interface ForecastDependencies {
  readonly policies: PolicySet;
  readonly hub: Hub;
  /** The app's budget of hub calls. The budget decides how long the sweep would take. */
  readonly budget: BudgetOptions;
  /** The blast-radius limit, which applies to each policy separately. */
  readonly limit: BlastRadius;
  readonly clock: Clock;
  readonly onProgress?: (progress: ForecastProgress) => void;
}

/**
 * Counts the changes that a sweep would make now, and changes nothing. The forecast reads query results, and reads no twin by its id. The
 * forecast reads all twins of a policy only where queries and counts do not suffice. A twin that several queries return counts once.
 *
 * @throws {Error} when the hub does not answer. The message is one line.
 */
export async function forecast(dependencies: ForecastDependencies): Promise<Forecast> {
  const { policies, hub, budget, clock, limit, onProgress = () => {} } = dependencies;
  const queries = new HubQueries(hub, clock, quotaMessageBytes(budget.tier), onProgress);
  const competing = competingSettings(policies.all, (await queries.configurations()) ?? []);

  const byPolicy = new Map<Policy, PolicyForecast>();
  const creations: number[] = [];
  let calls: Omit<CallForecast, 'total'> = { configuration: 1, query: 0, twinRead: 0, twinUpdate: 0, bulk: 0 };
  for (const [moduleId, modulePolicies] of Map.groupBy(policies.all, ({ module }) => module)) {
    const module = new ModuleForecast({ moduleId, policies: modulePolicies, queries, competing, limit, clock });
    await module.run();
    for (const policy of modulePolicies) byPolicy.set(policy, module.resultFor(policy));
    const { twinRead, twinUpdate } = module.calls;
    creations.push(...module.calls.creations);
    calls = { ...calls, twinRead: calls.twinRead + twinRead, twinUpdate: calls.twinUpdate + twinUpdate };
  }
  calls = { ...calls, query: queries.sweepQueries, bulk: bulkCallsFor(creations, budget) };

  const results = policies.all.flatMap((policy) => byPolicy.get(policy) ?? []);
  const all = { ...calls, total: Object.values(calls).reduce((sum, count) => sum + count, 0) };
  const messages = messagesFor(all, queries.sweepMessages, budget);
  const messagesPerDay = dailyMessages(budget);
  return {
    hub: hub.name,
    policies: results,
    competing,
    calls: all,
    seconds: secondsFor(all, creations, budget),
    messages,
    messagesPerDay,
    days: daysFor(messages, messagesPerDay),
    somethingToDo: results.some(
      ({ modulesToCreate, propertiesToChange, recorded }) =>
        modulesToCreate + propertiesToChange > 0 || recorded.length > 0,
    ),
    asked: queries.calls,
  };
}
