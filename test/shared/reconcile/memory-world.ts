import { EventLog } from '../../../infra/local/hub/event-log.ts';
import { Registry } from '../../../infra/local/hub/registry.ts';
import { type DriftRow, isOpen, type Journal, openKey } from '../../../shared/drift/index.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import type { Answer, Hub, Problem } from '../../../shared/hub/index.ts';
import { definePolicy, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import type { DeadLetter, DeadLetters, DeferredQueue } from '../../../shared/retry/index.ts';
import { toTwin } from '../../../shared/twin/index.ts';
import { quiet, toRawEvent } from '../../support/world.ts';

export const agent = definePolicy({
  name: 'agent',
  module: 'm',
  createModule: true,
  desired: { mode: 'High', s: { x: true } },
});

type Deferral = Parameters<DeferredQueue['put']>[0];

/**
 * Creates an event processor that calls the registry of the local hub directly, without a network. The journal and the dead letters are in
 * memory.
 */
export function newWorld(definitions: readonly PolicyDefinition[] = [agent], queue?: DeferredQueue) {
  const log = new EventLog();
  const registry = new Registry({ hubName: 'test-hub', log });
  /** When a test sets `problem`, every call of the hub returns that problem. */
  const trouble: { problem?: Problem } = {};
  const hub = hubOver(registry, trouble);
  const journal = memoryJournal();
  const deadLetters = memoryDeadLetters();
  const deferred: { readonly delay: number; readonly deferral: Deferral }[] = [];
  const processor = new EventProcessor({
    reconciler: new Reconciler({ policies: toPolicySet(definitions, { mode: 'enforce' }), hub, journal, log: quiet }),
    queue: queue ?? { put: async (deferral, delay) => void deferred.push({ deferral, delay }) },
    deadLetters,
    log: quiet,
    retry: { firstDelay: 10, attempts: 4 },
    random: () => 0.5,
  });
  let seen = 0;
  return {
    registry,
    hub,
    trouble,
    journal,
    deadLetters,
    deferred,
    processor,
    /** Returns the events since the last call of this function. */
    newEvents(): RawEvent[] {
      const all = log.partitionIds
        .flatMap((id) => log.events(id))
        .toSorted((a, b) => Number(a.enqueuedTime) - Number(b.enqueuedTime));
      const events = all.slice(seen).map(toRawEvent);
      seen = all.length;
      return events;
    },
    /** The history rows of a device, oldest first. */
    history: async (deviceId: string) => (await journal.read(deviceId, '1970-01-01T00:00:00Z')).recent.toReversed(),
  };
}

/** Converts a deferral to the message that the trigger of the deferred queue receives. */
export async function toQueueMessage({ deviceId, events, attempt, reason }: Deferral): Promise<unknown> {
  const { gzipSync } = await import('node:zlib');
  const packed = gzipSync(JSON.stringify(events)).toString('base64');
  return JSON.parse(JSON.stringify({ v: 1, deviceId, attempt, reason, events: packed }));
}

function hubOver(registry: Registry, trouble: { problem?: Problem }): Hub {
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
    lane: () => hub,
    waitFor: () => 0,
  };
  return hub;
}

/**
 * A journal in memory. Like the real journal, it stores rows by key, keeps the open entries, and stores all rows of a write or none of
 * them.
 */
function memoryJournal(): Journal & { broken?: Error } {
  const tables = new Map<string, { rows: Map<string, DriftRow>; open: Map<string, DriftRow> }>();
  const tableOf = (deviceId: string) => tables.get(deviceId) ?? { rows: new Map(), open: new Map() };
  const journal: Journal & { broken?: Error } = {
    async read(deviceId, since, keys = []) {
      if (journal.broken !== undefined) throw journal.broken;
      const { rows, open } = tableOf(deviceId);
      const recent = [...rows.values()].filter(
        ({ write, rowKey }) =>
          keys.includes(rowKey) || (since !== undefined && Date.parse(write.at) >= Date.parse(since)),
      );
      const newestFirst = recent.toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
      return { open: [...open.values()], recent: newestFirst, etags: new Map() };
    },
    async write(deviceId, changed, known) {
      if (journal.broken !== undefined) throw journal.broken;
      const table = tableOf(deviceId);
      const next = { rows: new Map(table.rows), open: new Map(table.open) };
      const knownKeys = new Set([...known.open, ...known.recent].map(({ rowKey }) => rowKey));
      const knownOpen = new Set(known.open.map(openKey));
      for (const [entryKey, rowsOfEntry] of Map.groupBy(changed, openKey)) {
        for (const row of rowsOfEntry) {
          if (!knownKeys.has(row.rowKey) && next.rows.has(row.rowKey)) return 'conflict';
          next.rows.set(row.rowKey, row);
        }
        const openRow = rowsOfEntry.findLast(isOpen);
        if (knownOpen.has(entryKey) !== next.open.has(entryKey)) return 'conflict';
        if (openRow === undefined) next.open.delete(entryKey);
        else next.open.set(entryKey, openRow);
      }
      tables.set(deviceId, next);
      return 'written';
    },
  };
  return journal;
}

function memoryDeadLetters(): DeadLetters & { all(): Promise<readonly DeadLetter[]> } {
  const stored: DeadLetter[] = [];
  return {
    async put(deadLetter) {
      const id = String(stored.length);
      stored.unshift({ id, at: '', ...deadLetter });
      return id;
    },
    get: async (id) => stored.find((deadLetter) => deadLetter.id === id),
    async *list() {
      yield* stored;
    },
    remove: async (id) => void stored.splice(0, stored.length, ...stored.filter((deadLetter) => deadLetter.id !== id)),
    all: async () => stored,
  };
}
