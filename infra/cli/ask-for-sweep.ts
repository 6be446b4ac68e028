/**
 * Asks the running app for a sweep: puts a message into the app's sweep queue, and then reads the sweep's row in storage until the sweep is
 * done. Makes no hub calls.
 */
import { type Clock, systemClock } from '../../shared/clock.ts';
import { openQueue, type StorageAccount } from '../../shared/storage/index.ts';
import { createSweepQueue, sweepQueueName } from '../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow, type SweepStore } from '../../shared/sweep/store/index.ts';

/** The result of asking the app for a sweep. */
export interface AskedSweep {
  /** The row of the sweep that was already running. If present, `follow` follows this sweep, and no new sweep starts. */
  readonly underWay: SweepRow | undefined;
  /**
   * Resolves with the sweep's row when the sweep has ended and all its parts are done. `onRow` is called each time the row has changed.
   *
   * @throws An Error whose message is one line: the app did not take the message within a minute, or the sweep's row did not change for ten
   * minutes.
   */
  follow(onRow: (row: SweepRow) => void): Promise<SweepRow>;
}

export interface SweepRequestDependencies {
  readonly store: SweepStore;
  /** Puts a message into the app's sweep queue that asks for a sweep. */
  ask(): Promise<void>;
  /** Whether the app has taken the message out of the queue. */
  isTaken(): Promise<boolean>;
  readonly clock: Clock;
}

const pollEvery = 500;
/** Milliseconds in which the app must take the message out of the queue. The app polls its queues every few seconds. */
const takenWithin = 60_000;
/**
 * Milliseconds after which a sweep whose row has not changed counts as stalled. The time is long, because parts that wait for the hub's
 * throttles go back into the queue.
 */
const stalledAfter = 10 * 60_000;
/** Number of the newest sweeps that are read to find the new sweep. */
const recentSweeps = 10;

/**
 * Asks the app that uses this storage account for a sweep. A new sweep begins within seconds. If a sweep is already running, that sweep
 * continues, and no new sweep begins.
 */
export function askForSweep(account: StorageAccount, clock: Clock = systemClock): Promise<AskedSweep> {
  return requestSweep({
    store: createSweepStore(account, () => clock.now()),
    ask: () => createSweepQueue(account).put({ type: 'start', at: clock.now().toISOString() }),
    isTaken: () => hasNoStart(account),
    clock,
  });
}

/** Does the same as {@link askForSweep}. The caller gives the store, the queue functions and the clock. */
export async function requestSweep({ store, ask, isTaken, clock }: SweepRequestDependencies): Promise<AskedSweep> {
  const before = await store.list(recentSweeps);
  const known = new Set(before.map(({ id }) => id));
  const underWay = before.find(({ state }) => state === 'running');
  // The message is sent even if a sweep is running. The process of the running sweep may have crashed: then the message makes another
  // instance resume the sweep.
  await ask();

  async function findSweep(id: string | undefined): Promise<SweepRow | undefined> {
    if (id !== undefined) return store.get(id);
    return (await store.list(recentSweeps)).find((row) => !known.has(row.id));
  }

  return {
    underWay,
    async follow(onRow) {
      let id = underWay?.id;
      let last = JSON.stringify(underWay);
      let changedAt = clock.now().getTime();
      let isAnswered = false;
      for (;;) {
        const row = await findSweep(id);
        const now = clock.now().getTime();
        const text = JSON.stringify(row);
        if (row !== undefined && text !== last) {
          [last, changedAt, isAnswered] = [text, now, true];
          onRow(row);
        }
        id = row?.id;
        if (row?.state === 'done' && row.partsDone >= row.parts) return row;
        // The app abandons a sweep when its policies have changed. A new sweep replaces the abandoned sweep.
        if (row?.state === 'abandoned') {
          known.add(row.id);
          id = undefined;
        }
        if (!isAnswered && now - changedAt >= takenWithin && (row === undefined || !(await isTaken()))) {
          throw new Error(
            (await isTaken())
              ? 'The app has taken the message, but no sweep has begun. The log of the app says why.'
              : 'The app has not taken the message within a minute, so it is not running. It will sweep when it starts.',
          );
        }
        if (now - changedAt >= stalledAfter) {
          throw new Error(
            `Sweep ${id ?? ''} has made no progress for ${stalledAfter / 60_000} minutes. The log of the app says why.`,
          );
        }
        await clock.sleep(pollEvery);
      }
    },
  };
}

/** Whether no message in the sweep queue asks for a sweep. */
async function hasNoStart(account: StorageAccount): Promise<boolean> {
  const { peekedMessageItems } = await (await openQueue(account, sweepQueueName)).peekMessages({
    numberOfMessages: 32,
  });
  return !peekedMessageItems.some(({ messageText }) =>
    /"type":\s*"start"/.test(Buffer.from(messageText, 'base64').toString()),
  );
}
