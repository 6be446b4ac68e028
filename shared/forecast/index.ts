/**
 * The forecast: counts what the policies would do to a hub, and changes nothing. It says how many modules a sweep would create, which
 * values it would overwrite, and how many hub calls that takes. It sends the sweep's queries and plans with the reconciler's code, so a
 * sweep afterwards does the same.
 *
 * @module
 */
export type { CallForecast } from './duration.ts';
export { type ForecastDependencies, forecast } from './forecast.ts';
export type { ForecastProgress } from './hub-queries.ts';
export type {
  ForecastExample,
  PlannedOutcome,
  PropertyForecast,
  RecordedForecast,
  RecordedReason,
  ValueForecast,
} from './policy-counts.ts';
export type { Forecast, OverwriteForecast, PolicyForecast } from './result.ts';
