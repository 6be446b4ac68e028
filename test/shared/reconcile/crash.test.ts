import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriftRow, Journal } from '../../../shared/drift/index.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { absent, between, definePolicy, oneOf, toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import { toRawEvent } from '../../support/new-events.ts';
import { quiet, startWorld, type World } from '../../support/world.ts';

const policies = toPolicySet(
  [
    definePolicy({
      name: 'agent',
      module: 'Agent',
      createModule: true,
      desired: {
        mode: oneOf(['High', 'Low'], { otherwise: 'High' }),
        timeout: between(60, 120, { otherwise: 100 }),
        section: { deep: { value: true } },
        legacy: absent(),
      },
    }),
    // This policy is in audit mode. A crash must not change its rows either.
    definePolicy({ name: 'watcher', module: 'Agent', mode: 'audit', desired: { foreign: absent() } }),
  ],
  { mode: 'enforce' },
);

/**
 * The five devices of a batch. Each device has a different drift: a new device, a wrong value, removed and forbidden properties, a deleted
 * module, or a module without any property.
 */
const roles = ['new', 'wrong', 'removed', 'deleted', 'emptied'] as const;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe('a process that is killed while it reconciles a batch', () => {
  it.each([
    ['before', 'alone', false],
    ['after', 'alone', false],
    ['before', 'with the events of the own writes', true],
    ['after', 'with the events of the own writes', true],
  ] as const)(
    '%s any of its calls leaves the same history, when the batch is delivered again %s',
    async (when, _, withOwnEvents) => {
      const expected = await withoutCrash();
      for (const batch of await prepare(expected.calls + 1)) {
        const { n } = batch;
        const crashed = await deliver(batch.events, { n, when });
        // Each run crashes at a different call. The last run does not crash, because it has fewer calls than `n`.
        expect(crashed.killed).toBe(n <= expected.calls);
        const own = withOwnEvents ? batch.newEvents() : [];
        await deliver([...batch.events, ...own]);
        await settle(batch);
        expect({ n, ...(await batch.result()) }).toEqual({ n, ...expected.result });
      }
    },
  );

  it('twice leaves the same history', async () => {
    const expected = await withoutCrash();
    for (const [index, batch] of (await prepare(expected.calls)).entries()) {
      const { n } = batch;
      const again = 1 + ((7 * n + index) % expected.calls);
      await deliver(batch.events, { n, when: index % 2 === 0 ? 'after' : 'before' });
      await deliver(batch.events, { n: again, when: index % 3 === 0 ? 'before' : 'after' });
      await deliver(batch.events);
      await settle(batch);
      expect({ n, again, ...(await batch.result()) }).toEqual({ n, again, ...expected.result });
    }
  });
});

/** Processes a batch without a crash. Returns the rows, the twins, and the number of calls of the hub and of storage. */
async function withoutCrash() {
  const [batch] = await prepare(1);
  if (batch === undefined) throw new Error('no batch');
  const { calls } = await deliver(batch.events);
  await settle(batch);
  const result = await batch.result();
  expect(result.history.map(({ role, kind, path, outcome }) => [role, kind, path, outcome])).toEqual([
    ['new', 'missingModule', '', 'created'],
    ['wrong', 'wrongValue', 'mode', 'enforced'],
    ['wrong', 'wrongValue', 'section.deep.value', 'enforced'],
    ['removed', 'forbiddenProperty', 'foreign', 'audited'],
    ['removed', 'forbiddenProperty', 'legacy', 'enforced'],
    ['removed', 'missingProperty', 'timeout', 'enforced'],
    ['deleted', 'missingModule', '', 'created'],
    ['emptied', 'missingBaseline', '', 'enforced'],
  ]);
  return { calls, result };
}

type Batch = Awaited<ReturnType<typeof prepare>>[number];

let runs = 0;

/**
 * Prepares `count` batches of five devices. One device of each batch is new, and the other four are compliant at first. Then each device
 * gets its drift, and the batch holds the events of the drift.
 */
async function prepare(count: number) {
  const names = Array.from({ length: count }, () => `run-${++runs}`);
  const settled = names.flatMap((name) => roles.slice(1).map((role) => `${name}-${role}`));
  for (let from = 0; from < settled.length; from += 100) {
    await world.operator.addDevices(settled.slice(from, from + 100).map((deviceId) => ({ deviceId })));
  }
  await deliver(eventsOf(settled));

  const patch = (deviceId: string, desired: unknown) =>
    world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*');
  return Promise.all(
    names.map(async (name, index) => {
      const devices = roles.map((role) => `${name}-${role}`);
      const [created = '', wrong = '', removed = '', deleted = '', emptied = ''] = devices;
      const seen = new Map(devices.map((id) => [id, eventsOf([id]).length]));
      const newEvents = () =>
        devices.flatMap((id) => {
          const all = eventsOf([id]);
          const events = all.slice(seen.get(id));
          seen.set(id, all.length);
          return events;
        });
      const before = new Set(
        (await Promise.all(devices.map((id) => world.history(id)))).flat().map((row) => row.rowKey),
      );
      await world.operator.create({ deviceId: created });
      await patch(wrong, { mode: 'Off', section: { deep: { value: 'yes' } } });
      await patch(removed, { timeout: null, legacy: { on: true }, foreign: 1 });
      await world.operator.removeModule(deleted, 'Agent');
      await patch(emptied, { mode: null, timeout: null, section: null });
      return {
        n: index + 1,
        events: newEvents(),
        newEvents,
        async result() {
          const rows = await Promise.all(devices.map((id) => world.history(id)));
          const open = await Promise.all(devices.map(async (id) => (await world.journal.read(id)).open));
          return {
            history: rows.flatMap((deviceRows, role) =>
              deviceRows
                .filter((row) => !before.has(row.rowKey))
                .map((row) => stableFields(row, role))
                .toSorted(byKindAndPath),
            ),
            open: open.flatMap((deviceRows, role) => deviceRows.map((row) => stableFields(row, role))),
            twins: await Promise.all(devices.map((id) => world.desiredOf(id, 'Agent'))),
          };
        },
      };
    }),
  );
}

/** All events of these devices until now. The events of one device are in order. */
function eventsOf(devices: readonly string[]): RawEvent[] {
  const { log } = world.hub;
  return devices.flatMap((id) =>
    log
      .events(log.partitionOf(id))
      .filter((event) => event.deviceId === id)
      .map(toRawEvent),
  );
}

interface Kill {
  /** The number of the call at which the process crashes. The first call has the number 1. */
  readonly n: number;
  /** Whether the process crashes before or after the call is carried out. */
  readonly when: 'before' | 'after';
}

/** Processes a batch of events with a new reconciler. After a crash, the reconciler makes no more calls. */
async function deliver(events: readonly RawEvent[], kill?: Kill) {
  let calls = 0;
  let killed = false;
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (killed) throw new Error('killed');
          const isLast = ++calls === kill?.n;
          if (isLast) killed = true;
          if (isLast && kill?.when === 'before') throw new Error('killed');
          const result: unknown = await Reflect.apply(value, target, args);
          if (killed) throw new Error('killed');
          return result;
        };
      },
    });
  const hub: Hub = mortal(world.hubClient);
  const journal: Journal = mortal(world.journal);
  const processor = new EventProcessor({
    reconciler: new Reconciler({ policies, hub, journal, log: quiet }),
    queue: mortal({ put: async () => expect.unreachable('nothing is deferred here') }),
    deadLetters: mortal(world.deadLetters),
    log: quiet,
    retry: { firstDelay: 1, attempts: 3 },
  });
  await processor.process(events).catch((error: unknown) => {
    if (!killed) throw error;
  });
  return { calls, killed };
}

/** Processes the events of Twinkeeper's own writes, until there are no more events. */
async function settle(batch: Batch): Promise<void> {
  for (let events = batch.newEvents(); events.length > 0; events = batch.newEvents()) await deliver(events);
}

/** The fields of a history row that must be the same with and without a crash. */
function stableFields(row: DriftRow, role: number) {
  const { moduleId, policy, path, kind, expected, actual, mode, source, outcome, error, write, transitions = [] } = row;
  return {
    role: roles[role],
    ...{ moduleId, policy, path, kind, expected, actual, mode, source, outcome, error },
    version: write.version,
    // No outcome is told that an interrupted write did not bring about, and none twice.
    course: transitions.map(({ outcome: one, by, times }) => [one, by, times]),
  };
}

function byKindAndPath(left: ReturnType<typeof stableFields>, right: ReturnType<typeof stableFields>): number {
  return `${left.kind} ${left.path}` < `${right.kind} ${right.path}` ? -1 : 1;
}
