/**
 * A model of one device whose module is created and deleted again and again. Operators and passes of Twinkeeper make the changes at the
 * same time, and a pass can be killed. Everything is in memory.
 */
import { EventLog } from '../../../infra/local/hub/event-log.ts';
import { Registry } from '../../../infra/local/hub/registry.ts';
import { type DriftRow, isOpen } from '../../../shared/drift/index.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { definePolicy, type Mode, toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler, workForMissingModule, workForModule } from '../../../shared/reconcile/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { toRawEvent } from '../../support/new-events.ts';
import { StillClock } from '../../support/still-clock.ts';
import { quiet } from '../../support/world.ts';
import { hubOver, memoryJournal } from './memory-world.ts';

/** The call at which a process is killed. `after`: the call has its effect, but the process does not get the result. */
interface Kill {
  readonly call: number;
  readonly when: 'before' | 'after';
}

/** One action in a random run. A number in an action selects one of the events or findings that exist at that time. */
export type Act =
  | { readonly type: 'delete' }
  | { readonly type: 'create'; readonly desired: JsonObject }
  /** A sweep lists the device as a finding, and queues the finding. */
  | { readonly type: 'find' }
  /** A worker handles a finding. The queue can deliver a finding several times. */
  | { readonly type: 'work'; readonly finding: number; readonly kill: Kill | undefined }
  | { readonly type: 'deliver'; readonly events: readonly number[]; readonly kill: Kill | undefined }
  | { readonly type: 'wait'; readonly seconds: number };

const kill = fc.option(
  fc.record<Kill>({ call: fc.integer({ min: 1, max: 8 }), when: fc.constantFrom('before', 'after') }),
  { nil: undefined },
);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constant<Act>({ type: 'delete' }),
  fc.record({
    type: fc.constant('create' as const),
    desired: fc.constantFrom<JsonObject>({}, { mode: 'Low' }),
  }),
  fc.constant<Act>({ type: 'find' }),
  fc.record({ type: fc.constant('work' as const), finding: fc.nat(), kill }),
  fc.record({
    type: fc.constant('deliver' as const),
    events: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    kill,
  }),
  fc.record({ type: fc.constant('wait' as const), seconds: fc.constantFrom(1, 20, 90, 1200) }),
);

/** Random runs of the model. The actions of one step happen at the same time, in an order that the scheduler chooses. */
export const lives = fc.record({
  mode: fc.constantFrom<Mode>('enforce', 'enforce', 'audit'),
  /** Milliseconds for which a deleted module is left alone. */
  settleTime: fc.constantFrom(0, 60_000),
  steps: fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
  /** The orders in which all events are delivered at the end of the run: one number for each of three deliveries. */
  order: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  scheduler: fc.scheduler(),
});

type Life = typeof lives extends fc.Arbitrary<infer Value> ? Value : never;

const deviceId = 'device';
const moduleId = 'Agent';

/**
 * Carries out a random run. At its end, delivers all events and findings, and sweeps. Returns what really happened to the module, and the
 * history rows.
 */
export async function live({ mode, settleTime, steps, order, scheduler }: Life) {
  const clock = new StillClock();
  const log = new EventLog(1, () => clock.now());
  const registry = new Registry({ hubName: 'test-hub', log, now: () => clock.tick() });
  /** Number of modules that Twinkeeper created. */
  let created = 0;
  const plainHub = hubOver(registry);
  const hub: Hub = {
    ...plainHub,
    async createModules(modules) {
      const answers = await plainHub.createModules(modules);
      created += answers.filter(({ ok }) => ok).length;
      return answers;
    },
  };
  const journal = memoryJournal();
  const policies = toPolicySet(
    [definePolicy({ name: 'agent', module: moduleId, createModule: true, desired: { mode: 'High' } })],
    { mode },
  );
  const events = () => log.events('0').map(toRawEvent);
  const findings: { readonly finding: 'missing' | 'suspect'; readonly at: string }[] = [];
  /** The events in the deferred queue. */
  const waiting: (readonly RawEvent[])[] = [];
  let turn: () => Promise<unknown> = async () => {};

  /** Runs a process with its own objects. A killed process makes no more calls. */
  async function process(run: (reconciler: Reconciler) => Promise<unknown>, death: Kill | undefined): Promise<void> {
    let calls = 0;
    let isDead = false;
    const mortal = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(_, key) {
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== 'function') return value;
          return async (...args: unknown[]) => {
            await turn();
            const isLast = !isDead && ++calls === death?.call;
            if (isDead || (isLast && death?.when === 'before')) {
              isDead = true;
              throw new Error('killed');
            }
            clock.tick();
            const result: unknown = await Reflect.apply(value, target, args);
            if (isLast) isDead = true;
            if (isDead) throw new Error('killed');
            return result;
          };
        },
      });
    await run(new Reconciler({ policies, hub: mortal(hub), journal: mortal(journal), log: quiet, clock, settleTime }));
  }

  const deliver = (batch: readonly RawEvent[], death?: Kill) =>
    process(async (reconciler) => {
      const processor = new EventProcessor({
        reconciler,
        queue: { put: async (deferral) => void waiting.push(deferral.events) },
        deadLetters: {
          put: async () => '',
          putUnusable: async () => 0,
          get: async () => undefined,
          async *list() {},
          remove: async () => {},
          replayOf: async () => undefined,
          markReplayed: async () => {},
          removeBefore: async () => ({ isUnfinished: false }),
        },
        log: quiet,
        retry: { firstDelay: 1, attempts: 3 },
      });
      await processor.process(batch);
    }, death);

  const work = (finding: (typeof findings)[number], death?: Kill) =>
    process(async (reconciler) => {
      const toWork = finding.finding === 'missing' ? workForMissingModule : workForModule;
      const write = { version: 0, at: finding.at, exact: false };
      await reconciler.reconcile([toWork(policies, deviceId, moduleId, write)], 'sweep');
    }, death);

  const exists = () => registry.listModules(deviceId).length > 0;
  const select = <T>(list: readonly T[], index: number): readonly T[] =>
    list.length === 0 ? [] : list.slice(index % list.length, (index % list.length) + 1);

  async function happen(next: Act): Promise<void> {
    await turn();
    if (next.type === 'delete' && exists()) registry.delete({ deviceId, moduleId }, '*');
    if (next.type === 'create' && !exists()) registry.create({ deviceId, moduleId }, {}, { desired: next.desired });
    if (next.type === 'wait') clock.pass(next.seconds * 1000);
    if (next.type === 'find') {
      findings.push({ finding: exists() ? 'suspect' : 'missing', at: clock.now().toISOString() });
    }
    if (next.type === 'work') {
      for (const finding of select(findings, next.finding)) await work(finding, next.kill);
    }
    if (next.type === 'deliver') {
      await deliver(
        next.events.flatMap((index) => select(events(), index)),
        next.kill,
      );
    }
  }

  registry.create({ deviceId }, {});
  turn = () => scheduler.schedule(Promise.resolve());
  for (const acts of steps) await scheduler.waitFor(Promise.all(acts.map(happen)));
  turn = async () => {};

  // Delivers all events three times, in the orders of the run, and all findings each time. Then the last sweeps read the module.
  for (const seed of order) {
    const all = events();
    const shuffled = all.map((_, index) => (index * 7919 + seed) % 104_729);
    await deliver(all.toSorted((a, b) => (shuffled[all.indexOf(a)] ?? 0) - (shuffled[all.indexOf(b)] ?? 0)));
    for (const finding of findings) await work(finding);
  }
  let seen = 0;
  const settle = async () => {
    for (let all = events(); all.length > seen; all = events()) {
      const next = all.slice(seen);
      seen = all.length;
      await deliver(next);
    }
  };
  await settle();
  for (let round = 0; round < 2; round++) {
    clock.pass(61_000);
    for (const batch of waiting.splice(0)) await deliver(batch);
    await work({ finding: 'suspect', at: clock.now().toISOString() });
    await settle();
  }

  const rows = (await journal.read(deviceId, '1970-01-01T00:00:00Z')).recent.toReversed();
  const begins = events().filter(
    ({ properties: { opType, moduleId: module } }) =>
      opType === 'deleteDeviceIdentity' || (opType === 'createDeviceIdentity' && module === undefined),
  );
  return {
    /** The times at which the module was deleted, and the time at which the device was created. */
    begins: begins.map(({ properties }) => String(properties.operationTimestamp)),
    missing: rows.filter(({ kind }) => kind === 'missingModule'),
    open: rows.filter(isOpen),
    exists: exists(),
    created,
    mode,
  };
}

/** One line for each row, for messages of failed tests. */
export function describeRows(rows: readonly DriftRow[]): readonly string[] {
  return rows.map(({ write, outcome, source }) => `${write.at} ${write.exact ? 'event' : 'read'} ${outcome} ${source}`);
}
