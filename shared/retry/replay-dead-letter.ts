import type { DeadLetters } from './dead-letters.ts';
import { type DeferredQueue, toRawEvents } from './deferred-queue.ts';

/**
 * Queues the events of a dead letter to be processed at once, and removes the letter. The attempts start again from zero. Returns `false`
 * when no letter has this id. The events are queued before the letter is removed. A crash in between processes the events twice, which has
 * no further effect.
 */
export async function replayDeadLetter(id: string, deadLetters: DeadLetters, queue: DeferredQueue): Promise<boolean> {
  const deadLetter = await deadLetters.get(id);
  if (deadLetter === undefined) return false;
  const { deviceId, event } = deadLetter;
  await queue.put({ deviceId, events: toRawEvents(event), attempt: 0, reason: 'replayed by hand' }, 0);
  await deadLetters.remove(id);
  return true;
}
