/**
 * Work that failed. The deferred queue retries it after growing delays. Work that fails too often becomes a dead letter: the table keeps
 * its events and the reason until somebody replays it.
 *
 * @module
 */
export { createDeadLetterList, type DeadLetterList, type DeadLetterSummary } from './dead-letter-list.ts';
export { createDeadLetters, type DeadLetter, type DeadLetters } from './dead-letters.ts';
export {
  createDeferredQueue,
  type DeferredQueue,
  deferredQueueName,
  readDeferral,
  toRawEvents,
} from './deferred-queue.ts';
export { replayDeadLetter } from './replay-dead-letter.ts';
