/** Asks the running app for a sweep, and follows what comes of it in storage: nothing here speaks to the hub. */
import { type Clock, systemClock } from '../../shared/clock.ts';
import { openQueue, type StorageAccount } from '../../shared/storage/index.ts';
import { createSweepQueue, sweepQueueName } from '../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow, type SweepStore } from '../../shared/sweep/store/index.ts';

/** A sweep that was asked for. */
export interface AskedSweep {
  /** The sweep that was under way already; it is the one that is followed. */
  readonly underWay: SweepRow | undefined;
  /**
   * Resolves with the sweep's row when it has ended and all that it found is dealt with. `onRow` is told of each change.
   *
   * @throws one line for a person when nobody takes the message within a minute, or nothing happens for ten.
   */
  follow(onRow: (row: SweepRow) => void): Promise<SweepRow>;
}

export interface SweepRequestDependencies {
  readonly store: SweepStore;
  /** Puts the message into the sweep's queue. */
  ask(): Promise<void>;
  /** Whether somebody has taken the message. */
  isTaken(): Promise<boolean>;
  readonly clock: Clock;
}

const pollEvery = 500;
/** The app looks into its queues every few seconds. */
const takenWithin = 60_000;
/** Work that has to wait for the hub's throttles goes back into the queue for a while. */
const stalledAfter = 10 * 60_000;
/** Among so many sweeps, the newest first, is the one that was asked for. */
const recent = 10;

/** Asks the app whose storage account this is for a sweep. It begins within seconds; one that is under way goes on. */
export function askForSweep(account: StorageAccount, clock: Clock = systemClock): Promise<AskedSweep> {
  return requestSweep({
    store: createSweepStore(account, () => clock.now()),
    ask: () => createSweepQueue(account).put({ type: 'start' }),
    isTaken: () => hasNoStart(account),
    clock,
  });
}

/** The same over parts of one's own. */
export async function requestSweep({ store, ask, isTaken, clock }: SweepRequestDependencies): Promise<AskedSweep> {
  const before = await store.list(recent);
  const known = new Set(before.map(({ id }) => id));
  const underWay = before.find(({ state }) => state === 'running');
  // Also where one is under way: its process may have died, and then somebody has to go on with it.
  await ask();

  async function look(id: string | undefined): Promise<SweepRow | undefined> {
    if (id !== undefined) return store.get(id);
    return (await store.list(recent)).find((row) => !known.has(row.id));
  }

  return {
    underWay,
    async follow(onRow) {
      let id = underWay?.id;
      let last = JSON.stringify(underWay);
      let changedAt = clock.now().getTime();
      let isAnswered = false;
      for (;;) {
        const row = await look(id);
        const now = clock.now().getTime();
        const text = JSON.stringify(row);
        if (row !== undefined && text !== last) {
          [last, changedAt, isAnswered] = [text, now, true];
          onRow(row);
        }
        id = row?.id;
        if (row?.state === 'done' && row.partsDone >= row.parts) return row;
        // Policies have changed since it was begun: a new one takes its place.
        if (row?.state === 'abandoned') {
          known.add(row.id);
          id = undefined;
        }
        if (!isAnswered && now - changedAt >= takenWithin && (row === undefined || !(await isTaken()))) {
          throw new Error(
            (await isTaken())
              ? 'The app has taken the message, but no sweep has begun: its log says why.'
              : 'Nobody has taken the message within a minute: the app does not run. It will sweep when it starts.',
          );
        }
        if (now - changedAt >= stalledAfter) {
          throw new Error(
            `Nothing has come of sweep ${id ?? ''} for ${stalledAfter / 60_000} minutes: the app's log says why.`,
          );
        }
        await clock.sleep(pollEvery);
      }
    },
  };
}

/** Whether no wish for a sweep is waiting to be taken. */
async function hasNoStart(account: StorageAccount): Promise<boolean> {
  const { peekedMessageItems } = await (await openQueue(account, sweepQueueName)).peekMessages({
    numberOfMessages: 32,
  });
  return !peekedMessageItems.some(({ messageText }) =>
    /"type":\s*"start"/.test(Buffer.from(messageText, 'base64').toString()),
  );
}
