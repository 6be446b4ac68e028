import type { DeadLetters } from './dead-letters.ts';
import { type DeferredQueue, toRawEvents } from './deferred-queue.ts';

/**
 * Replays a dead letter: queues its events for processing at once, and turns the letter into a replayed letter, which names who replayed it.
 * The number of attempts starts again at 0. Returns `false` when no dead letter has this id.
 *
 * The events are queued before the letter is marked. After a crash between these steps, the events can be processed twice. The second
 * processing changes nothing.
 */
export async function replayDeadLetter(
  id: string,
  deadLetters: DeadLetters,
  queue: DeferredQueue,
  by: string,
): Promise<boolean> {
  const deadLetter = await deadLetters.get(id);
  // The events of a parked letter are in the queue already.
  if (deadLetter?.state !== 'dead') return false;
  const { deviceId, event } = deadLetter;
  const events = toRawEvents(event);
  await queue.put({ deviceId, events, attempt: 0, reason: 'replayed by hand', isReplay: true }, 0);
  await deadLetters.markReplayed(id, by);
  return true;
}

/** The result of {@link replayDeadLetter} in one sentence, for the record of actions. */
export function describeReplay(isReplayed: boolean): string {
  return isReplayed ? 'The events are back in the queue.' : 'The letter was not a dead letter any more.';
}
