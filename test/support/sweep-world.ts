/** A world with sweeps in it: sweeper, worker and an in-process queue between them, all of which can be disturbed. */

import type { Clock } from '../../shared/clock.ts';
import { createOpenList } from '../../shared/drift/index.ts';
import type { Guard } from '../../shared/guards/index.ts';
import type { Answer, Hub, QueryPage } from '../../shared/hub/index.ts';
import type { Log } from '../../shared/log.ts';
import { type Mode, type PolicyDefinition, toPolicySet } from '../../shared/policy/index.ts';
import { Reconciler } from '../../shared/reconcile/index.ts';
import { openTable } from '../../shared/storage/index.ts';
import {
  Sweeper,
  type SweepGuardStore,
  type SweepMessage,
  type SweepQueue,
  SweepWorker,
  type WorkItem,
} from '../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow, type SweepStore, type SweepTrigger } from '../../shared/sweep/store/index.ts';
import type { JsonObject } from '../../shared/twin/index.ts';
import { startWorld, type World } from './world.ts';

/** The machine's clock, which tests can put forward. It does not sleep. */
export class MovableClock implements Clock {
  #ahead = 0;

  now(): Date {
    return new Date(Date.now() + this.#ahead);
  }

  sleep(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  pass(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}

type HubCall = Exclude<keyof Hub, 'name' | 'lane' | 'waitFor'>;

/** Something between Twinkeeper and the hub: `undefined` lets the call through. */
export type Interception = (call: HubCall, args: readonly unknown[]) => Promise<unknown> | undefined;

/** The hub with somebody in between, on all of its lanes. */
export function intercepted(hub: Hub, intercept: Interception): Hub {
  return new Proxy(hub, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key === 'lane') {
        return (...args: Parameters<Hub['lane']>) => intercepted(target.lane(...args), intercept);
      }
      if (typeof value !== 'function' || key === 'waitFor') return value;
      return (...args: unknown[]) => intercept(key as HubCall, args) ?? Reflect.apply(value, target, args);
    },
  });
}

/** The hub with something done before each page of a query that `when` is true of; what it gives back is the answer. */
export function atQueries(
  hub: Hub,
  when: (query: string, continuation: string | undefined) => boolean,
  act: (query: string) => Answer<QueryPage> | undefined | Promise<Answer<QueryPage> | undefined>,
): Hub {
  const meet = async (query: string, continuation: string | undefined) =>
    (await act(query)) ?? hub.queryPage(query, continuation);
  return intercepted(hub, (call, args) => {
    const [query, continuation] = args as [string, string | undefined];
    return call === 'queryPage' && when(query, continuation) ? meet(query, continuation) : undefined;
  });
}

/** The hub with so few results on a page. */
export function inPagesOf(size: number, hub: Hub): Hub {
  const cut = async (query: string, continuation: string | undefined): Promise<Answer<QueryPage>> => {
    if (query.includes('COUNT()')) return hub.queryPage(query);
    const all = await hub.queryPage(query);
    if (!all.ok) return all;
    const from = Number(continuation ?? 0);
    const next = from + size;
    const items = all.value.items.slice(from, next);
    return { ok: true, value: { items, ...(next < all.value.items.length ? { continuation: String(next) } : {}) } };
  };
  return intercepted(hub, (call, args) =>
    call === 'queryPage' ? cut(args[0] as string, args[1] as string | undefined) : undefined,
  );
}

/** What the log was told. */
export interface Said {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

export interface SweepOptions {
  readonly mode?: Mode;
  readonly minutes?: number;
  readonly clock?: MovableClock;
  readonly guard?: Guard;
  readonly attempts?: number;
  /** Stands between Twinkeeper and the hub. */
  readonly throughHub?: (hub: Hub) => Hub;
  /** Stands between the sweep and its storage. */
  readonly throughStore?: (store: SweepStore) => SweepStore;
}

/** Starts hub and storage once. Each sweep is about the whole hub, so that tests `clear` it before they begin. */
export async function startSweepWorld() {
  const world = await startWorld();
  return {
    ...world,

    /** A hub without devices and configurations, and no sweep on record. */
    async clear(): Promise<void> {
      const { registry } = world.hub;
      for (const { deviceId } of registry.list(Number.POSITIVE_INFINITY)) {
        registry.delete({ deviceId: String(deviceId) }, '*');
      }
      const { responseBody } = await world.operator.getConfigurations();
      for (const { id } of responseBody as unknown as { id: string }[]) await world.operator.removeConfiguration(id);
      await clearSweeps(world);
    },

    /** A device that is there already when the sweep comes; with `modules`, their desired properties. No reconciler hears of it. */
    add(
      deviceId: string,
      modules: Readonly<Record<string, JsonObject>> = {},
      device: { readonly tags?: JsonObject; readonly edge?: boolean } = {},
    ): void {
      const { registry } = world.hub;
      registry.create({ deviceId }, { iotEdge: device.edge ?? false }, { tags: device.tags ?? {} });
      for (const [moduleId, desired] of Object.entries(modules)) {
        registry.create({ deviceId, moduleId }, {}, { desired });
      }
    },

    /** One instance of Twinkeeper, with its own clients and its own memory. */
    sweeping(definitions: readonly PolicyDefinition[], options: SweepOptions = {}) {
      return sweeping(world, definitions, options);
    },
  };
}

export type SweepWorld = Awaited<ReturnType<typeof startSweepWorld>>;

function sweeping(world: World, definitions: readonly PolicyDefinition[], options: SweepOptions) {
  const { mode = 'enforce', minutes = 4, clock = new MovableClock(), attempts = 3, guard } = options;
  const policies = toPolicySet(definitions, { mode });
  const hub = options.throughHub?.(world.door) ?? world.door;
  const plain = createSweepStore(world.storage, () => clock.now());
  const store = options.throughStore?.(plain) ?? plain;
  const said: Said[] = [];
  const log: Log = {
    info: (message) => said.push({ level: 'info', message }),
    warn: (message) => said.push({ level: 'warn', message }),
    error: (message) => said.push({ level: 'error', message }),
  };
  const messages: SweepMessage[] = [];
  const delays: number[] = [];
  const queue: SweepQueue = {
    put: async (message, delay = 0) => {
      messages.push(message);
      delays.push(delay);
    },
  };
  const noted = { devices: new Map<string, number>(), competing: [] as string[] };
  let competing: Awaited<ReturnType<SweepGuardStore['competing']>> = [];
  const guardStore: SweepGuardStore = {
    competing: async () => competing,
    putDeviceCount: async (policy, devices) => void noted.devices.set(policy, devices),
    putCompeting: async (settings) => {
      competing = settings;
      noted.competing.push(...settings.map((setting) => setting.configuration));
    },
  };
  const sweeper = new Sweeper({
    policies,
    hub,
    store,
    queue,
    guardStore,
    openList: createOpenList(world.storage, () => clock.now()),
    log,
    clock,
    minutes,
  });
  const worker = new SweepWorker({
    sweeper,
    reconcilerFor: (lane) =>
      new Reconciler({ policies, hub: lane, journal: world.journal, log, clock, ...(guard ? { guard } : {}) }),
    hub,
    store,
    queue,
    log,
    retry: { firstDelay: 1, attempts },
    random: () => 0.5,
  });
  const run = (trigger: SweepTrigger = 'timer') => sweeper.run({ trigger });
  /** Deals with all messages, and with those that come of them. As a queue brings them: at least once, and as JSON. */
  async function work(): Promise<void> {
    for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
      await worker.handle(JSON.parse(JSON.stringify({ v: 1, ...message })));
    }
  }
  return {
    clock,
    store,
    sweeper,
    worker,
    messages,
    delays,
    noted,
    said,
    run,
    work,
    parts: (): readonly WorkItem[] => messages.filter((message) => message.type === 'part'),
    /** A sweep with all of its work done, and what is on record about it. */
    async sweep(): Promise<SweepRow> {
      const end = await run();
      await work();
      const row = 'id' in end ? await plain.get(end.id) : undefined;
      if (row === undefined) throw new Error(`no sweep: ${end.state}`);
      return row;
    },
  };
}

export type Sweeping = ReturnType<typeof sweeping>;

async function clearSweeps({ storage }: World): Promise<void> {
  const { TableClient } = await import('@azure/data-tables');
  const table = TableClient.fromConnectionString(storage.connectionString, 'TwinkeeperSweeps', {
    allowInsecureConnection: true,
  });
  await table.deleteTable();
  // What other tests have left out of line is none of a sweep's business.
  const open = await openTable(storage, 'TwinkeeperOpen');
  for await (const { partitionKey, rowKey } of open.listEntities()) {
    await open.deleteEntity(String(partitionKey), String(rowKey));
  }
}
