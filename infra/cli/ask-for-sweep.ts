/** Asks the running app for a sweep through its queue, and follows the sweep's row in storage. It makes no hub calls. */
import { type Clock, systemClock } from '../../shared/clock.ts';
import { openQueue, type StorageAccount } from '../../shared/storage/index.ts';
import { createSweepQueue, sweepQueueName } from '../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow, type SweepStore } from '../../shared/sweep/store/index.ts';

/** A sweep that the app was asked for. */
export interface AskedSweep {
  /** The sweep that was already running. When present, this sweep is followed. */
  readonly underWay: SweepRow | undefined;
  /**
   * Resolves with the sweep's row when the sweep has ended and its findings have been handled. `onRow` is called with each changed row.
   *
   * @throws One line when the app does not take the message within a minute, or when the row does not change for ten minutes.
   */
  follow(onRow: (row: SweepRow) => void): Promise<SweepRow>;
}

export interface SweepRequestDependencies {
  readonly store: SweepStore;
  /** Puts the message into the app's sweep queue. */
  ask(): Promise<void>;
  /** Whether the app has taken the message. */
  isTaken(): Promise<boolean>;
  readonly clock: Clock;
}

const pollEvery = 500;
/** Milliseconds in which the app must take the message. The app polls its queues every few seconds. */
const takenWithin = 60_000;
/** Milliseconds without a change before a sweep counts as stalled. Work that waits for the hub's throttles goes back into the queue. */
const stalledAfter = 10 * 60_000;
/** How many of the newest sweeps are read to find the new one. */
const recentSweeps = 10;

/** Asks the app with this storage account for a sweep. The sweep begins within seconds. A running sweep continues instead. */
export function askForSweep(account: StorageAccount, clock: Clock = systemClock): Promise<AskedSweep> {
  return requestSweep({
    store: createSweepStore(account, () => clock.now()),
    ask: () => createSweepQueue(account).put({ type: 'start' }),
    isTaken: () => hasNoStart(account),
    clock,
  });
}

/** Like {@link askForSweep}, with the given dependencies. */
export async function requestSweep({ store, ask, isTaken, clock }: SweepRequestDependencies): Promise<AskedSweep> {
  const before = await store.list(recentSweeps);
  const known = new Set(before.map(({ id }) => id));
  const underWay = before.find(({ state }) => state === 'running');
  // A running sweep is asked for too: its process may have died, and the message makes another instance resume the sweep.
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
        // The policies have changed, so a new sweep replaces this one.
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

/** Whether the queue holds no message that asks for a sweep. */
async function hasNoStart(account: StorageAccount): Promise<boolean> {
  const { peekedMessageItems } = await (await openQueue(account, sweepQueueName)).peekMessages({
    numberOfMessages: 32,
  });
  return !peekedMessageItems.some(({ messageText }) =>
    /"type":\s*"start"/.test(Buffer.from(messageText, 'base64').toString()),
  );
}
