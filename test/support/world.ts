/** A local hub, storage and a reconciler for tests. These tests use neither AMQP nor the Azure Functions host. */

import { createHistory, createJournal, type DriftRow } from '../../shared/drift/index.ts';
import type { Guard } from '../../shared/guards/index.ts';
import { connectToHub, type Hub } from '../../shared/hub/index.ts';
import type { Log } from '../../shared/log.ts';
import { type Mode, type PolicyDefinition, toPolicySet } from '../../shared/policy/index.ts';
import { type EventCounts, EventProcessor, Reconciler } from '../../shared/reconcile/index.ts';
import { createDeadLetters, type DeferredQueue } from '../../shared/retry/index.ts';
import { startTestHub } from '../infra/local/hub/hub-client.ts';
import { collect } from './drift-rows.ts';
import { newEventsOf } from './new-events.ts';
import { newStorageAccount } from './storage.ts';

export const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

export interface WorldOptions {
  readonly mode?: Mode;
  readonly guard?: Guard;
  /** Wraps the hub client, to change or observe hub calls. */
  readonly throughHub?: (hub: Hub) => Hub;
}

/**
 * Starts a hub and storage that all tests of a file share. `withPolicies` creates a reconciler, which processes only the events that come
 * after that call.
 */
export async function startWorld() {
  const [hub, azurite] = await Promise.all([startTestHub(), newStorageAccount()]);
  const storage = { connectionString: azurite.endpoints.connectionString };
  const journal = createJournal(storage);
  const history = createHistory(storage, () => new Date());
  const deadLetters = createDeadLetters(storage, () => new Date());
  const hubClient = connectToHub(
    { connectionString: hub.connectionString('twinkeeper').replace('localhost', `localhost:${hub.httpsPort}`) },
    { ca: hub.ca, firstDelay: 1, longestDelay: 5, budget: { tier: 'S3', units: 10, share: 1 } },
  );

  return {
    hub,
    operator: hub.operator,
    storage,
    journal,
    deadLetters,
    hubClient,

    withPolicies(definitions: readonly PolicyDefinition[], options: WorldOptions = {}) {
      const deferred: Parameters<DeferredQueue['put']>[0][] = [];
      const reconciler = new Reconciler({
        policies: toPolicySet(definitions, { mode: options.mode ?? 'enforce' }),
        hub: options.throughHub?.(hubClient) ?? hubClient,
        journal,
        log: quiet,
        ...(options.guard === undefined ? {} : { guard: options.guard }),
      });
      const processor = new EventProcessor({
        reconciler,
        queue: { put: async (deferral) => void deferred.push(deferral) },
        deadLetters,
        log: quiet,
        retry: { firstDelay: 1, attempts: 3 },
      });
      const newEvents = newEventsOf(hub.log);
      newEvents();
      return {
        reconciler,
        processor,
        deferred,
        newEvents,
        /** Processes all new events, and the events that follow from them, until there are no more. */
        async settle(): Promise<readonly EventCounts[]> {
          const counts: EventCounts[] = [];
          for (let events = newEvents(); events.length > 0; events = newEvents()) {
            counts.push(await processor.process(events));
          }
          return counts;
        },
      };
    },

    /** Returns all history rows of a device, oldest first. */
    async history(deviceId: string): Promise<readonly DriftRow[]> {
      return (await collect(history.rows({ deviceId }))).toReversed();
    },

    async desiredOf(deviceId: string, moduleId: string): Promise<Readonly<Record<string, unknown>>> {
      const answer = await hubClient.readTwin(deviceId, moduleId);
      if (!answer.ok) throw new Error(answer.problem.message);
      return answer.value.desired.properties;
    },

    /** Returns the number of hub calls that Twinkeeper has made so far, by class of operations. */
    async calls(): Promise<Readonly<Record<string, number>>> {
      const answer = await fetch(`${hub.controlUrl}/calls`);
      const { byCaller } = (await answer.json()) as {
        byCaller: Record<string, { byClass: Record<string, number> }>;
      };
      return byCaller.twinkeeper?.byClass ?? {};
    },

    async close() {
      await hub.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

let devices = 0;

/** Returns a device id that no other test in this process uses. */
export function newDeviceId(name = 'device'): string {
  return `${name}-${++devices}`;
}

/** Returns kind, path and outcome of each row. */
export function brief(rows: readonly DriftRow[]): readonly (readonly [string, string, string])[] {
  return rows.map((row) => [row.kind, row.path, row.outcome] as const);
}
