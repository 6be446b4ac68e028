/**
 * The sweep: finds what no event told of, at a cost that does not grow with a compliant fleet. It asks the hub which modules break a
 * policy and how many there are, walks only where that does not settle it, and hands out what it finds over a queue. What a query says
 * is never acted on as it is: each suspect is read again.
 *
 * @module
 */

export type { CallForecast } from './forecast/calls.ts';
export {
  type Forecast,
  type ForecastParts,
  forecast,
  type OverwriteForecast,
  type PolicyForecast,
} from './forecast/forecast.ts';
export type { ForecastProgress } from './forecast/questions.ts';
export type {
  Fate,
  ForecastExample,
  PropertyForecast,
  RecordedForecast,
  RecordedReason,
  ValueForecast,
} from './forecast/tally.ts';
export { createSweepQueue, type SweepMessage, type SweepPart, type SweepQueue } from './part-queue.ts';
export { sweepQueueName } from './queue-name.ts';
export type { SweepNotes } from './sweep-parts.ts';
export { SweepWorker } from './sweep-worker.ts';
export { type SweepEnd, Sweeper } from './sweeper.ts';
