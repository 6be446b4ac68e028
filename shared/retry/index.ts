/**
 * Work that could not be done yet. The deferred queue tries it again after growing delays. Work that fails every time becomes a dead
 * letter: it stays in a table, with the reason, until somebody replays it.
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
