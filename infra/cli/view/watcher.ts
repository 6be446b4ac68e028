/**
 * Watches the local system for the live view. The hub's events say which devices have changed. The history says what Twinkeeper has done.
 */
import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { observe } from '../../local/demo/observer.ts';
import type { SystemEndpoints } from '../../local/endpoints-file.ts';
import { FleetCounter, type FleetFigures } from './fleet-figures.ts';

export interface Figures extends FleetFigures {
  /** Number of calls that Twinkeeper has made to the hub in the last minute, for each class of call. */
  readonly callsPerMinute: Readonly<Record<string, number>>;
}

export interface Watcher {
  readonly figures: Figures;
  close(): Promise<void>;
}

/** Milliseconds between two polls of the history. */
const pollEvery = 400;
/** Milliseconds for which the history of a device is polled after the device's last event. */
const watchFor = 3_000;
const minute = 60_000;

/** Starts to watch the local system. Calls `onRow` with each new row of the history, and again when the outcome of the row has changed. */
export function watchSystem(endpoints: SystemEndpoints, onRow: (row: DriftRow) => void): Watcher {
  const observer = observe(endpoints);
  const counter = new FleetCounter();
  /**
   * When to stop polling the history of each device, in milliseconds since 1970. The key is the device id. Polling goes on after an event,
   * because the view can get the event before Twinkeeper has handled it.
   */
  const watched = new Map<string, number>();
  const samples: { readonly at: number; readonly byClass: Readonly<Record<string, number>> }[] = [];
  let closed = false;

  const { eventHubConnectionString, eventHubName } = endpoints;
  // The app must be the only reader of its consumer group. The view therefore reads through the consumer group `view`.
  const client = new EventHubConsumerClient('view', eventHubConnectionString, eventHubName);
  const subscription = client.subscribe(
    {
      async processEvents(events) {
        for (const { properties = {} } of events) {
          const { deviceId, moduleId, opType } = properties as Readonly<Record<string, string | undefined>>;
          if (deviceId === undefined) continue;
          watched.set(deviceId, Date.now() + watchFor);
          if (moduleId !== undefined) continue;
          if (opType === 'createDeviceIdentity') counter.created(deviceId);
          if (opType === 'deleteDeviceIdentity') counter.deleted(deviceId);
        }
      },
      // Errors are ignored: the client reconnects by itself. If the hub has ended, the whole run ends.
      async processError() {},
    },
    { startPosition: earliestEventPosition, maxBatchSize: 100, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true },
  );

  async function poll(): Promise<void> {
    const uncounted = counter.uncounted();
    // A backlog of 0 events means that the app has handled the creation of all these devices.
    const hasLooked = uncounted.length > 0 && (await observer.backlog()) === 0;
    const ids = [...watched.keys()];
    const unfinished = ids.flatMap((id) => counter.unfinished(id));
    const since = Math.min(Date.now() - minute, ...unfinished.map(({ write }) => Date.parse(write.at)));
    for (const [id, { recent, open }] of await observer.history(ids, new Date(since).toISOString())) {
      for (const row of counter.update(id, recent, open.length > 0, since)) onRow(row);
      const isSettled = counter.unfinished(id).length === 0;
      if (isSettled && (watched.get(id) ?? 0) < Date.now()) watched.delete(id);
    }
    if (hasLooked) counter.count(uncounted);
    const { byCaller } = await observer.calls();
    samples.push({ at: Date.now(), byClass: byCaller.twinkeeper?.byClass ?? {} });
    while ((samples[1]?.at ?? Number.POSITIVE_INFINITY) < Date.now() - minute) samples.shift();
  }

  const polling = (async () => {
    while (!closed) {
      await poll().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, pollEvery));
    }
  })();

  return {
    get figures() {
      const [first, last] = [samples.at(0)?.byClass ?? {}, samples.at(-1)?.byClass ?? {}];
      const calls = Object.entries(last).map(([name, count]) => [name, count - (first[name] ?? 0)] as const);
      return { ...counter.figures, callsPerMinute: Object.fromEntries(calls) };
    },
    async close() {
      closed = true;
      await Promise.allSettled([polling, subscription.close().then(() => client.close())]);
    },
  };
}
