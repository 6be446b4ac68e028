/** Watches the system from outside, as any reader could: the hub's events say which devices stir, the history says what came of it. */
import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { type DriftRow, isOver } from '../../../shared/drift/index.ts';
import { observe } from '../../local/demo/observer.ts';
import type { SystemEndpoints } from '../../local/endpoints-file.ts';

export interface Figures {
  readonly devices: number;
  /** Devices with nothing out of line, as the history has it. */
  readonly compliant: number;
  readonly recorded: number;
  readonly mended: number;
  /** Twinkeeper's own calls to the hub in the last minute, by class. */
  readonly callsPerMinute: Readonly<Record<string, number>>;
}

export interface Watcher {
  readonly figures: Figures;
  close(): Promise<void>;
}

/** How often the history is asked about devices that stir, in milliseconds. */
const pollEvery = 400;
/** How long a device is looked at after its last event, in milliseconds. */
const lookFor = 3_000;
const minute = 60_000;

/** Starts watching. `onRow` is called with each row when it is new, and again when its outcome has changed. */
export function watchSystem(endpoints: SystemEndpoints, onRow: (row: DriftRow) => void): Watcher {
  const observer = observe(endpoints);
  const devices = new Set<string>();
  /** Devices to look at, and until when: an event is seen here before Twinkeeper has dealt with it. */
  const stirring = new Map<string, number>();
  /** Devices with something open. */
  const outOfLine = new Set<string>();
  /** Rows seen lately, by device: key to outcome. */
  const seen = new Map<string, Map<string, DriftRow>>();
  const samples: { readonly at: number; readonly byClass: Readonly<Record<string, number>> }[] = [];
  let recorded = 0;
  let mended = 0;
  let closed = false;

  const { eventHubConnectionString, eventHubName } = endpoints;
  // A consumer group of its own: in the app's one, the app alone may read.
  const client = new EventHubConsumerClient('view', eventHubConnectionString, eventHubName);
  const subscription = client.subscribe(
    {
      async processEvents(events) {
        for (const { properties = {} } of events) {
          const { deviceId, moduleId, opType } = properties as Readonly<Record<string, string | undefined>>;
          if (deviceId === undefined) continue;
          stirring.set(deviceId, Date.now() + lookFor);
          if (moduleId !== undefined) continue;
          if (opType === 'createDeviceIdentity') devices.add(deviceId);
          if (opType === 'deleteDeviceIdentity') devices.delete(deviceId);
        }
      },
      // It goes on by itself; when the hub is gone for good, the system says so.
      async processError() {},
    },
    { startPosition: earliestEventPosition, maxBatchSize: 100, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true },
  );

  function take(row: DriftRow, known: Map<string, DriftRow>): void {
    const before = known.get(row.rowKey);
    known.set(row.rowKey, row);
    if (before?.outcome === row.outcome) return;
    if (before === undefined) recorded++;
    if (row.outcome === 'created' || row.outcome === 'enforced') mended++;
    onRow(row);
  }

  async function poll(): Promise<void> {
    const asked = [...stirring.keys()];
    const recent = Date.now() - minute;
    const unfinished = asked.flatMap((id) =>
      [...(seen.get(id)?.values() ?? [])].filter(({ outcome }) => !isOver(outcome)),
    );
    const since = Math.min(recent, ...unfinished.map(({ write }) => Date.parse(write.at)));
    for (const [deviceId, { recent: rows, open }] of await observer.history(asked, new Date(since).toISOString())) {
      if (open.length > 0 && devices.has(deviceId)) outOfLine.add(deviceId);
      else outOfLine.delete(deviceId);
      const known = seen.get(deviceId) ?? new Map<string, DriftRow>();
      for (const row of rows.toReversed()) take(row, known);
      // What is over and old is not asked for again.
      for (const [key, { outcome, write }] of known) {
        if (isOver(outcome) && Date.parse(write.at) < since) known.delete(key);
      }
      if (known.size > 0) seen.set(deviceId, known);
      else seen.delete(deviceId);
      const isSettled = [...known.values()].every(({ outcome }) => isOver(outcome));
      if (isSettled && (stirring.get(deviceId) ?? 0) < Date.now()) stirring.delete(deviceId);
    }
    const { byPolicy } = await observer.calls();
    samples.push({ at: Date.now(), byClass: byPolicy.twinkeeper?.byClass ?? {} });
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
      return {
        devices: devices.size,
        compliant: [...devices].filter((id) => !outOfLine.has(id)).length,
        recorded,
        mended,
        callsPerMinute: Object.fromEntries(calls),
      };
    },
    async close() {
      closed = true;
      await Promise.allSettled([polling, subscription.close().then(() => client.close())]);
    },
  };
}
