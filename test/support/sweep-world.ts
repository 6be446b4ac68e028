/**
 * Everything that a test of sweeps needs: a hub, storage, a sweeper, a worker, and a queue in memory. Tests can change the hub's answers
 * and the storage.
 */

import { createOpenList, createRunningPasses } from '../../shared/drift/index.ts';
import { type Guard, noGuard } from '../../shared/guards/index.ts';
import type { Hub } from '../../shared/hub/index.ts';
import type { Log } from '../../shared/log.ts';
import { type Mode, type PolicyDefinition, toPolicySet } from '../../shared/policy/index.ts';
import { Reconciler } from '../../shared/reconcile/index.ts';
import { type BlobFolders, openTable } from '../../shared/storage/index.ts';
import {
  createJobFolders,
  Sweeper,
  type SweepGuardStore,
  type SweepMessage,
  type SweepQueue,
  SweepWorker,
} from '../../shared/sweep/index.ts';
import {
  createSweepStore,
  type SweepRow,
  type SweepStore,
  type SweepTrigger,
  type WorkItem,
} from '../../shared/sweep/store/index.ts';
import type { JsonObject } from '../../shared/twin/index.ts';
import { MovableClock } from './movable-clock.ts';
import { brief, startWorld, type World } from './world.ts';

/** One message in the log. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

export interface SweepOptions {
  readonly mode?: Mode;
  /** Minutes until the deadline of one run of a sweep. Default: 4. */
  readonly minutes?: number;
  readonly clock?: MovableClock;
  readonly guard?: Guard;
  /** The memory of the guards. Default: a store in memory, which no guard reads. */
  readonly guardStore?: SweepGuardStore;
  /** The folders of blobs that the hub's jobs use. Default: those of the storage account. */
  readonly folders?: BlobFolders;
  /** The number of missing modules above which an import job creates them. Default: no import job. */
  readonly backfillAbove?: number;
  /** The number of twins above which a walk reads them from an export job. Default: no export job. */
  readonly exportAbove?: number;
  /** Hours between two walks of a policy that queries cannot express. Default: 0, each sweep reads all twins. */
  readonly walkHours?: number;
  /** Days between two full looks. Default: no full look. */
  readonly lookDays?: number;
  /** Maximum number of attempts per work item. Default: 3. */
  readonly attempts?: number;
  /** Wraps the hub client, to change or observe hub calls. */
  readonly throughHub?: (hub: Hub) => Hub;
  /** Wraps the sweep store, to change or observe its calls. */
  readonly throughStore?: (store: SweepStore) => SweepStore;
}

const hour = 3600_000;

/** Starts a hub and storage that all tests of a file share. A sweep covers the whole hub, so each test must call `clear` first. */
export async function startSweepWorld() {
  const world = await startWorld();
  return {
    ...world,

    /** Removes all devices, configurations, sweeps and open rows. */
    async clear(): Promise<void> {
      const { registry } = world.hub;
      for (const { deviceId } of registry.list(Number.POSITIVE_INFINITY)) {
        registry.delete({ deviceId: String(deviceId) }, '*');
      }
      const { responseBody } = await world.operator.getConfigurations();
      for (const { id } of responseBody as unknown as { id: string }[]) await world.operator.removeConfiguration(id);
      await clearSweeps(world);
    },

    /** Adds a device to the hub. No event is processed. `modules`: the desired properties of each module, by module name. */
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

    /** Changes desired properties of the device's module `Agent`. */
    async patchAgent(deviceId: string, desired: JsonObject): Promise<void> {
      await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*');
    },

    /** Returns the names of a device's modules, without the modules whose name starts with `$`. */
    modulesOf(deviceId: string) {
      return world.hub.registry
        .listModules(deviceId)
        .map(({ moduleId }) => moduleId)
        .filter((moduleId) => !String(moduleId).startsWith('$'));
    },

    /** Returns kind, path and outcome of each history row of the device, oldest first. */
    async briefHistory(deviceId: string) {
      return brief(await world.history(deviceId));
    },

    /** Returns kind, path and outcome of each open row of the device. */
    async briefOpen(deviceId: string) {
      return brief((await world.journal.read(deviceId)).open);
    },

    /** Returns the number of hub calls that Twinkeeper makes during `act`, by class of operations. */
    async callsDuring(act: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
      const before = await world.calls();
      await act();
      const after = await world.calls();
      return Object.fromEntries(
        Object.entries(after)
          .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
          .filter(([, count]) => count > 0),
      );
    },

    /** Creates an instance of Twinkeeper. The instance has its own queue and memory. */
    newInstance(definitions: readonly PolicyDefinition[], options: SweepOptions = {}) {
      return newInstance(world, definitions, options);
    },
  };
}

export type SweepWorld = Awaited<ReturnType<typeof startSweepWorld>>;

function newInstance(world: World, definitions: readonly PolicyDefinition[], options: SweepOptions) {
  const { mode = 'enforce', minutes = 4, clock = new MovableClock(), attempts = 3, guard } = options;
  const policies = toPolicySet(definitions, { mode });
  const hub = options.throughHub?.(world.hubClient) ?? world.hubClient;
  const plainStore = createSweepStore(world.storage, () => clock.now());
  /** The work items of this instance, by key. The queue holds only the keys. */
  const items = new Map<string, WorkItem>();
  const recording: SweepStore = {
    ...plainStore,
    putWorkItem: (item) => plainStore.putWorkItem(remember(item)),
    replaceWorkItem: (item, next) => plainStore.replaceWorkItem(item, remember(next)),
  };
  const remember = (item: WorkItem) => {
    items.set(`${item.sweepId}!${item.part}`, item);
    return item;
  };
  const store = options.throughStore?.(recording) ?? recording;
  const logged: LogEntry[] = [];
  const log: Log = {
    info: (message) => logged.push({ level: 'info', message }),
    warn: (message) => logged.push({ level: 'warn', message }),
    error: (message) => logged.push({ level: 'error', message }),
  };
  const messages: SweepMessage[] = [];
  const delays: number[] = [];
  const queue: SweepQueue = {
    put: async (message, delay = 0) => {
      messages.push(message);
      delays.push(delay);
    },
  };
  const deviceCounts = new Map<string, number>();
  const fleetCounts: number[] = [];
  const competingConfigurations: string[] = [];
  const folders = options.folders ?? createJobFolders(world.storage, () => clock.now());
  const sweeper = new Sweeper({
    policies,
    hub,
    store,
    queue,
    guardStore: options.guardStore ?? memoryGuardStore(deviceCounts, fleetCounts, competingConfigurations),
    openList: createOpenList(world.storage, () => clock.now()),
    runningPasses: createRunningPasses(world.storage, () => clock.now()),
    // A test may give only the method `review`.
    guard: guard?.stillHeld === undefined ? noGuard : guard,
    log,
    clock,
    minutes,
    backfillAbove: options.backfillAbove ?? Number.POSITIVE_INFINITY,
    folders,
    exportAbove: options.exportAbove ?? Number.POSITIVE_INFINITY,
    walkEvery: (options.walkHours ?? 0) * hour,
    lookEvery: (options.lookDays ?? Number.POSITIVE_INFINITY) * 24 * hour,
  });
  const worker = new SweepWorker({
    sweeper,
    reconcilerFor: (lane) =>
      new Reconciler({ policies, hub: lane, journal: world.journal, log, clock, ...(guard ? { guard } : {}) }),
    hub,
    store,
    queue,
    folders,
    log,
    retry: { firstDelay: 1, attempts },
    random: () => 0.5,
    clock,
  });
  const run = (trigger: SweepTrigger = 'timer') => sweeper.run({ trigger });
  /**
   * Handles all messages in the queue, and the messages that follow from them. Converts each message to JSON and back, as the real queue
   * does.
   */
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
    /** The messages in the queue. */
    messages,
    /** The delay in seconds of each message that was put in the queue, including messages that were handled since. */
    delays,
    /** Number of devices by policy, as the sweep stored it for the guards. */
    deviceCounts,
    /** Numbers of devices in the scope of any policy, as the sweep stored them. Negative where they are not exact. */
    fleetCounts,
    /** The ids of the competing configurations, as the sweep stored them for the guards. */
    competingConfigurations,
    logged,
    run,
    work,
    /** The work items whose messages are in the queue. */
    workItems: (): readonly WorkItem[] =>
      messages.flatMap((message) =>
        message.type === 'part' ? (items.get(`${message.sweepId}!${message.part}`) ?? []) : [],
      ),
    /** Runs a sweep and all of its work items. Returns the row of the sweep. */
    async sweep(trigger?: SweepTrigger): Promise<SweepRow> {
      const end = await run(trigger);
      await work();
      const row = 'id' in end ? await plainStore.get(end.id) : undefined;
      if (row === undefined) throw new Error(`no sweep: ${end.state}`);
      return row;
    },
  };
}

export type SweepInstance = ReturnType<typeof newInstance>;

function memoryGuardStore(
  deviceCounts: Map<string, number>,
  fleetCounts: number[],
  competingConfigurations: string[],
): SweepGuardStore {
  let competing: Awaited<ReturnType<SweepGuardStore['competing']>> = [];
  return {
    competing: async () => competing,
    putDeviceCount: async (policy, devices) => void deviceCounts.set(policy, devices),
    putFleetCount: async ({ devices, isExact }) => void fleetCounts.push(isExact ? devices : -devices),
    putCompeting: async (settings) => {
      competing = settings;
      competingConfigurations.push(...settings.map((setting) => setting.configuration));
    },
  };
}

async function clearSweeps({ storage }: World): Promise<void> {
  const { TableClient } = await import('@azure/data-tables');
  const table = TableClient.fromConnectionString(storage.connectionString, 'TwinkeeperSweeps', {
    allowInsecureConnection: true,
  });
  await table.deleteTable();
  // Remove the open rows of earlier tests. Otherwise the sweep would queue their modules.
  const open = await openTable(storage, 'TwinkeeperOpen');
  for await (const { partitionKey, rowKey } of open.listEntities()) {
    await open.deleteEntity(String(partitionKey), String(rowKey));
  }
}
