/**
 * What a policy would do to a hub, without changing it: how many modules it would create, what it would overwrite, and what that costs.
 * The forecast asks the hub the same queries as the sweep does, and plans with the same code.
 *
 * @module
 */
export type { CallForecast } from './calls.ts';
export {
  type Forecast,
  type ForecastParts,
  forecast,
  type OverwriteForecast,
  type PolicyForecast,
} from './forecast.ts';
export type { ForecastProgress } from './questions.ts';
export type {
  Fate,
  ForecastExample,
  PropertyForecast,
  RecordedForecast,
  RecordedReason,
  ValueForecast,
} from './tally.ts';
