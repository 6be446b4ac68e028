import { EventLog } from '../../../infra/local/hub/event-log.ts';
import { Registry } from '../../../infra/local/hub/registry.ts';
import type { Clock } from '../../../shared/clock.ts';
import { type DriftRow, isOpen, type Journal, openKey } from '../../../shared/drift/index.ts';
import { rowKeyPrefixAt } from '../../../shared/drift/keys.ts';
import type { Answer, Hub, Problem } from '../../../shared/hub/index.ts';
import { definePolicy, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler, type ReconcilerDependencies } from '../../../shared/reconcile/index.ts';
import { type DeadLetter, type DeadLetters, type DeferredQueue, keptAnHour } from '../../../shared/retry/index.ts';
import { toTwin } from '../../../shared/twin/index.ts';
import { newEventsOf } from '../../support/new-events.ts';
import type { StillClock } from '../../support/still-clock.ts';
import { quiet } from '../../support/world.ts';

export const agent = definePolicy({
  name: 'agent',
  module: 'm',
  createModule: true,
  desired: { mode: 'High', s: { x: true } },
});

type Deferral = Parameters<DeferredQueue['put']>[0];

interface WorldOptions extends Pick<ReconcilerDependencies, 'guard' | 'settleTime' | 'versions'> {
  /** The clock of the hub and of the reconciler. */
  readonly clock?: StillClock;
  /** The clock of the processor and of the reconciler. */
  readonly processorClock?: Clock;
  readonly throughHub?: (hub: Hub) => Hub;
}

/**
 * Creates an event processor that calls the registry of the local hub directly, without a network. The journal and the dead letters are in
 * memory.
 */
export function newWorld(
  definitions: readonly PolicyDefinition[] = [agent],
  queue?: DeferredQueue,
  options: WorldOptions = {},
) {
  const { clock, throughHub = (hub: Hub) => hub, processorClock, ...rest } = options;
  const log = new EventLog(4, () => clock?.now() ?? new Date());
  const now = clock === undefined ? {} : { now: () => clock.tick() };
  const registry = new Registry({ hubName: 'test-hub', log, ...now });
  /** When a test sets `problem`, every call of the hub returns that problem. */
  const trouble: { problem?: Problem } = {};
  const hub = throughHub(hubOver(registry, trouble));
  const journal = memoryJournal();
  const deadLetters = memoryDeadLetters();
  const warnings: string[] = [];
  const deferred: { readonly delay: number; readonly deferral: Deferral }[] = [];
  const processor = new EventProcessor({
    reconciler: new Reconciler({
      policies: toPolicySet(definitions, { mode: 'enforce' }),
      hub,
      journal,
      log: quiet,
      ...(clock === undefined ? {} : { clock }),
      ...(processorClock === undefined ? {} : { clock: processorClock }),
      ...rest,
    }),
    queue: queue ?? { put: async (deferral, delay) => void deferred.push({ deferral, delay }) },
    deadLetters,
    log: { ...quiet, warn: (message) => void warnings.push(message) },
    retry: { firstDelay: 10, attempts: 4 },
    random: () => 0.5,
    ...(processorClock === undefined ? {} : { clock: processorClock }),
  });
  return {
    registry,
    hub,
    trouble,
    journal,
    deadLetters,
    deferred,
    /** The warnings of the processor. */
    warnings,
    processor,
    /** Returns the events since the last call of this function. */
    newEvents: newEventsOf(log),
    /** The history rows of a device, oldest first. */
    history: async (deviceId: string) => (await journal.read(deviceId, '1970-01-01T00:00:00Z')).recent.toReversed(),
  };
}

/** Converts a deferral to the message that the trigger of the deferred queue receives. */
export async function toQueueMessage({ events, ...deferral }: Deferral): Promise<unknown> {
  const { gzipSync } = await import('node:zlib');
  const packed = gzipSync(JSON.stringify(events)).toString('base64');
  return JSON.parse(JSON.stringify({ v: 1, ...deferral, events: packed }));
}

/** Creates a hub client that calls a registry directly. When `trouble` has a problem, each call returns the problem. */
export function hubOver(registry: Registry, trouble: { problem?: Problem } = {}): Hub {
  const target = (deviceId: string, moduleId: string) => (moduleId === '' ? { deviceId } : { deviceId, moduleId });
  const attempt = <T>(run: () => T): Answer<T> => {
    if (trouble.problem !== undefined) return { ok: false, problem: trouble.problem };
    try {
      return { ok: true, value: run() };
    } catch (error) {
      const { status, message, code } = error as { status: number; message: string; code: string };
      if (status === 404)
        return { ok: false, problem: { type: 'gone', what: code === 'ModuleNotFound' ? 'module' : 'device', message } };
      if (status === 409) return { ok: false, problem: { type: 'exists', message } };
      if (status === 412) return { ok: false, problem: { type: 'conflict', message } };
      return { ok: false, problem: { type: 'refused', status, message } };
    }
  };
  const hub: Hub = {
    name: 'test-hub',
    readTwin: async (deviceId, moduleId) =>
      attempt(() => {
        const twin = toTwin(registry.readTwin(target(deviceId, moduleId)), deviceId, moduleId);
        if (twin === undefined) throw new Error('no twin');
        return twin;
      }),
    patchDesired: async (deviceId, moduleId, etag, desired) =>
      attempt(() => void registry.patchTwin(target(deviceId, moduleId), { desired }, { etag })),
    createModules: async (modules) =>
      modules.map(({ deviceId, moduleId, desired, tags }) =>
        attempt(() => void registry.create({ deviceId, moduleId }, {}, { desired, tags })),
      ),
    countDevices: async () => ({ ok: true, value: 0 }),
    queryPage: async () => ({ ok: true, value: { items: [] } }),
    listConfigurations: async () => ({ ok: true, value: [] }),
    jobs: { startImport: noJobs, startExport: noJobs, read: noJobs, list: noJobs, cancel: noJobs, hasKeys: noJobs },
    lane: () => hub,
    waitFor: () => 0,
  };
  return hub;
}

async function noJobs(): Promise<never> {
  throw new Error('the hub in memory has no jobs');
}

/** A journal in memory. Like the real journal, it has a conflict when another pass wrote rows of the same module after the read. */
export function memoryJournal(): Journal & { broken?: Error } {
  interface Device {
    readonly rows: Map<string, DriftRow>;
    readonly open: Map<string, DriftRow>;
    /** Number of writes, by module. */
    readonly writes: Map<string, number>;
  }
  const devices = new Map<string, Device>();
  const deviceOf = (deviceId: string): Device => {
    const device = devices.get(deviceId) ?? { rows: new Map(), open: new Map(), writes: new Map() };
    devices.set(deviceId, device);
    return device;
  };
  const journal: Journal & { broken?: Error } = {
    async read(deviceId, since, keys = []) {
      if (journal.broken !== undefined) throw journal.broken;
      const { rows, open, writes } = deviceOf(deviceId);
      const recent = [...rows.values()].filter(
        ({ rowKey }) => keys.includes(rowKey) || (since !== undefined && rowKey < `${rowKeyPrefixAt(since)}~`),
      );
      const newestFirst = recent.toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
      const etags = new Map([...writes].map(([moduleId, count]) => [moduleId, String(count)]));
      return { open: [...open.values()], recent: newestFirst, etags };
    },
    async write(deviceId, changed, { etags }) {
      if (journal.broken !== undefined) throw journal.broken;
      const { rows, open, writes } = deviceOf(deviceId);
      const modules = new Set(changed.map(({ moduleId }) => moduleId));
      const wasChanged = (moduleId: string) => etags.get(moduleId) !== writes.get(moduleId)?.toString();
      if ([...modules].some(wasChanged)) return 'conflict';
      for (const moduleId of modules) {
        writes.set(moduleId, (writes.get(moduleId) ?? 0) + 1);
        etags.set(moduleId, String(writes.get(moduleId)));
      }
      for (const row of changed) rows.set(row.rowKey, row);
      for (const key of new Set(changed.map(openKey))) {
        const last = [...rows.values()].filter((row) => openKey(row) === key && isOpen(row)).at(-1);
        if (last === undefined) open.delete(key);
        else open.set(key, last);
      }
      return 'written';
    },
  };
  return journal;
}

/** Dead letters in memory. `all` returns them newest first, and `counted` has the number of events that were only counted, by fault. */
function memoryDeadLetters() {
  const stored: DeadLetter[] = [];
  const counted = new Map<string, number>();
  const kept = new Map<string, number>();
  const deadLetters: DeadLetters = {
    async put(deadLetter) {
      const id = String(stored.length);
      stored.unshift({ id, at: '', ...deadLetter });
      return id;
    },
    async putUnusable(events) {
      let count = 0;
      for (const { event, fault, reason, deviceId } of events) {
        const before = kept.get(fault) ?? 0;
        if (before === keptAnHour) counted.set(fault, (counted.get(fault) ?? 0) + 1);
        else {
          kept.set(fault, before + 1);
          await deadLetters.put({ deviceId, reason, state: 'dead', event });
          count++;
        }
      }
      return count;
    },
    replayOf: async () => undefined,
    markReplayed: async (id) => deadLetters.remove(id),
    removeBefore: async () => ({ isUnfinished: false }),
    get: async (id) => stored.find((deadLetter) => deadLetter.id === id),
    async *list() {
      yield* stored;
    },
    remove: async (id) => void stored.splice(0, stored.length, ...stored.filter((deadLetter) => deadLetter.id !== id)),
  };
  return { ...deadLetters, counted, all: async (): Promise<readonly DeadLetter[]> => stored };
}
