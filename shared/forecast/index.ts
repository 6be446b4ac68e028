/**
 * What a policy would do to a hub, without changing it: how many modules it would create, what it would overwrite, and what that costs.
 * The forecast asks the hub the same queries as the sweep does, and plans with the same code.
 *
 * @module
 */
export type { CallForecast } from './calls.ts';
export { type ForecastDependencies, forecast } from './forecast.ts';
export type {
  ForecastExample,
  PlannedOutcome,
  PropertyForecast,
  RecordedForecast,
  RecordedReason,
  ValueForecast,
} from './policy-counts.ts';
export type { ForecastProgress } from './questions.ts';
export type { Forecast, OverwriteForecast, PolicyForecast } from './result.ts';
