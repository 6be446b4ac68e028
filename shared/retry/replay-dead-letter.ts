import type { DeadLetters } from './dead-letters.ts';
import { type DeferredQueue, toRawEvents } from './deferred-queue.ts';

/**
 * Puts a dead letter back: its events are tried again at once, from the start, and the letter is gone. `false` when there is no letter
 * with this id. Queued before it is removed: a crash in between tries it twice, which changes nothing, and loses nothing.
 */
export async function replayDeadLetter(id: string, deadLetters: DeadLetters, queue: DeferredQueue): Promise<boolean> {
  const deadLetter = await deadLetters.get(id);
  if (deadLetter === undefined) return false;
  const { deviceId, event } = deadLetter;
  await queue.put({ deviceId, events: toRawEvents(event), attempt: 0, reason: 'put back by hand' }, 0);
  await deadLetters.remove(id);
  return true;
}
