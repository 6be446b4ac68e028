import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventLog } from '../../../infra/local/hub/event-log.ts';
import { Registry } from '../../../infra/local/hub/registry.ts';
import { createJournal } from '../../../shared/drift/index.ts';
import type { RawEvent } from '../../../shared/events/index.ts';
import type { Guard } from '../../../shared/guards/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler, workForModule } from '../../../shared/reconcile/index.ts';
import { createDeadLetters } from '../../../shared/retry/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { newEventsOf } from '../../support/new-events.ts';
import { StillClock } from '../../support/still-clock.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';
import { quiet } from '../../support/world.ts';
import { agent, hubOver } from './memory-world.ts';

interface Kill {
  /** Number of the call of Table Storage at which the process is killed. The first call has the number 1. */
  readonly call: number;
  readonly when: 'before' | 'after';
}

let azurite: TestStorage;
/** The process that makes the calls of Table Storage at this time. */
let running: { calls: number; kill: Kill | undefined; isDead: boolean } = { calls: 0, kill: undefined, isDead: false };
/** Awaited before each call of Table Storage. A scheduler uses it to set the order of the calls of two passes. */
let turn: () => Promise<unknown> = async () => {};
const original = new Map<string, unknown>();

beforeAll(async () => {
  azurite = await newStorageAccount();
  for (const name of ['submitTransaction', 'getEntity', 'upsertEntity', 'deleteEntity'] as const) {
    const call = TableClient.prototype[name] as (...args: unknown[]) => Promise<unknown>;
    original.set(name, call);
    const mortal = async function (this: TableClient, ...args: unknown[]) {
      await turn();
      const isLast = !running.isDead && ++running.calls === running.kill?.call;
      if (running.isDead || (isLast && running.kill?.when === 'before')) running.isDead = true;
      if (running.isDead) throw new Error('killed');
      const result = await call.apply(this, args);
      if (isLast) running.isDead = true;
      if (running.isDead) throw new Error('killed');
      return result;
    };
    Object.assign(TableClient.prototype, { [name]: mortal });
  }
});
afterAll(() => {
  for (const [name, call] of original) Object.assign(TableClient.prototype, { [name]: call });
});

/** A guard that holds each repair back, as the guard for contested properties does. */
const holding: Guard = {
  review: async ({ departures }) => new Map(departures.map((departure) => [departure, 'contested: not now'])),
  stillHeld: async () => new Set(),
};

let devices = 0;

/** A device whose property `mode` is contested. The history has five repairs, and a row of the first wrong write after them. */
async function contestedDevice() {
  const deviceId = `folding-${++devices}`;
  const clock = new StillClock();
  const log = new EventLog(1, () => clock.now());
  const registry = new Registry({ hubName: 'test-hub', log, now: () => clock.tick() });
  const target = { deviceId, moduleId: 'm' };
  registry.create({ deviceId }, {});
  registry.create(target, {}, { desired: { mode: 'High', s: { x: true } } });
  const journal = createJournal(azurite.endpoints, () => clock.now());
  const repairs = [1, 2, 3, 4, 5].map((version) => {
    const at = new Date(clock.tick()).toISOString();
    return driftRow(deviceId, at, {
      moduleId: 'm',
      write: { version, at, exact: true },
      actual: `repaired ${version}`,
    });
  });
  await journal.write(deviceId, repairs, await journal.read(deviceId));
  const newEvents = newEventsOf(log);
  newEvents();

  const newProcess = () => {
    const dependencies = { policies: toPolicySet([agent], { mode: 'enforce' }), hub: hubOver(registry), log: quiet };
    const reconciler = new Reconciler({
      ...dependencies,
      journal: createJournal(azurite.endpoints, () => clock.now()),
      guard: holding,
      clock,
    });
    return {
      reconciler,
      processor: new EventProcessor({
        reconciler,
        queue: { put: async () => {} },
        deadLetters: createDeadLetters(azurite.endpoints, () => clock.now()),
        log: quiet,
        retry: { firstDelay: 1, attempts: 3 },
      }),
    };
  };
  const device = {
    /** Writes the property, and returns the events of the writes. */
    write(...values: readonly string[]): readonly RawEvent[] {
      for (const mode of values) {
        clock.pass(1000);
        registry.patchTwin(target, { desired: { mode } }, '*');
      }
      return newEvents();
    },
    deliver: (events: readonly RawEvent[]) => newProcess().processor.process(events),
    async sweep() {
      const { reconciler } = newProcess();
      const write = { version: 0, at: clock.now().toISOString(), exact: false };
      await reconciler.reconcile([workForModule(reconciler.policies, deviceId, 'm', write)], 'sweep');
    },
    /** Returns the rows after the five repairs, and the open rows. */
    async rows() {
      const { recent, open } = await journal.read(deviceId, '2025-12-01T00:00:00Z');
      const brief = recent
        .filter(({ outcome }) => outcome !== 'enforced')
        .map(({ kind, outcome, times, lastActual }) => ({ kind, outcome, times, lastActual }));
      return { rows: brief, open: open.map(({ times }) => times) };
    },
  };
  await device.deliver(device.write('wrong 1'));
  expect((await device.rows()).rows).toMatchObject([{ outcome: 'heldBack' }]);
  return device;
}

/** Runs a process, and kills it at a call. Returns the number of its calls. */
async function killed(kill: Kill | undefined, run: () => Promise<unknown>): Promise<number> {
  running = { calls: 0, kill, isDead: false };
  try {
    await run();
  } catch (error) {
    if (!running.isDead) throw error;
  }
  const { calls } = running;
  running = { calls: 0, kill: undefined, isDead: false };
  return calls;
}

const folded = (times: number, lastActual: string) => ({
  rows: [{ kind: 'wrongValue', outcome: 'heldBack', times, lastActual }],
  open: [times],
});

describe('a process that is killed while it folds wrong writes into a row', () => {
  it.each([
    ['before', 'open', []],
    ['after', 'open', []],
    ['before', 'closed', ['High']],
    ['after', 'closed', ['High']],
  ] as const)(
    'counts each write once, killed %s any call, into a row that is %s',
    async (when, _, between) => {
      let calls = Number.POSITIVE_INFINITY;
      for (let call = 1; call <= calls + 1; call++) {
        const device = await contestedDevice();
        if (between.length > 0) await device.deliver(device.write(...between));
        const batch = device.write('wrong 2', 'wrong 3');
        const made = await killed({ call, when }, () => device.deliver(batch));
        if (made < call) calls = made;
        const next = device.write('wrong 4');
        await device.deliver(call % 2 === 0 ? [...batch, ...next] : batch);
        await device.deliver(next);
        await device.deliver(batch);
        expect({ call, ...(await device.rows()) }).toEqual({ call, ...folded(4, 'wrong 4') });
      }
      expect(calls).toBeGreaterThan(2);
    },
    60_000,
  );
});

describe('two passes that fold writes of the same property at the same time', () => {
  it('count each write once, whatever the order of their calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, hasSweep) => {
        const device = await contestedDevice();
        const [first = [], second = [], third = []] = [1, 2, 3].map((number) => device.write(`wrong ${number + 1}`));
        turn = () => scheduler.schedule(Promise.resolve());
        await scheduler.waitFor(
          Promise.all([
            device.deliver([...first, ...second]),
            device.deliver([...second, ...third]),
            ...(hasSweep ? [device.sweep()] : []),
          ]),
        );
        turn = async () => {};
        for (const batch of [third, second, first]) await device.deliver(batch);
        expect(await device.rows()).toEqual(folded(4, 'wrong 4'));
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});
