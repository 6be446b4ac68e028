/**
 * The forecast counts what the policies would do to a hub, and changes nothing. The result says how many modules a sweep would create,
 * which values the sweep would overwrite, and how many hub calls the sweep would make. The forecast sends the sweep's queries, and plans
 * changes with the reconciler's code. So a sweep that follows makes the same changes.
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
export type { BlastRadiusForecast, Forecast, PolicyForecast } from './result.ts';
