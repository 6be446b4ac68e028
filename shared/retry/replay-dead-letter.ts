import type { DeadLetters } from './dead-letters.ts';
import { type DeferredQueue, toRawEvents } from './deferred-queue.ts';

/**
 * Replays a dead letter: queues its events for processing at once, and removes the letter. The number of attempts starts again at 0.
 * Returns `false` when no letter has this id.
 *
 * The events are queued before the letter is removed. After a crash between these steps, the events can be processed twice. The second
 * processing changes nothing.
 */
export async function replayDeadLetter(id: string, deadLetters: DeadLetters, queue: DeferredQueue): Promise<boolean> {
  const deadLetter = await deadLetters.get(id);
  if (deadLetter === undefined) return false;
  const { deviceId, event } = deadLetter;
  await queue.put({ deviceId, events: toRawEvents(event), attempt: 0, reason: 'replayed by hand' }, 0);
  await deadLetters.remove(id);
  return true;
}
