/**
 * Retries of failed work. The deferred queue retries the work after delays that grow. Work that fails too often becomes a dead letter. The
 * dead letter holds the events and the reason until somebody replays the letter.
 *
 * @module
 */
export { createDeadLetterList, type DeadLetterList, type DeadLetterSummary } from './dead-letter-list.ts';
export { createDeadLetters, type DeadLetter, type DeadLetters, type UnusableEvent } from './dead-letters.ts';
export {
  createDeferredQueue,
  createDeferredQueueLength,
  type DeferredQueue,
  readDeferral,
  toRawEvents,
} from './deferred-queue.ts';
export { deferredQueueName } from './deferred-queue-name.ts';
export { describeReplay, replayDeadLetter } from './replay-dead-letter.ts';
export { type CountedEvents, keptAnHour } from './unusable-events.ts';
