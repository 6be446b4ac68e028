import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOpenList, type DriftRow, type OpenList } from '../../../shared/drift/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { absent, definePolicy, oneOf, toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler } from '../../../shared/reconcile/index.ts';
import { Sweeper, type SweepMessage, SweepWorker } from '../../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow } from '../../../shared/sweep/store/index.ts';
import { atQueries, inPagesOf, MovableClock, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { quiet } from '../../support/world.ts';

const policies = toPolicySet(
  [
    definePolicy({
      name: 'agent',
      module: 'Agent',
      createModule: true,
      desired: { mode: oneOf(['High', 'Low'], { otherwise: 'High' }), legacy: absent() },
    }),
    // Cannot be asked as a query, and changes nothing: a walk goes through the same crashes.
    definePolicy({
      name: 'watcher',
      module: 'Agent',
      mode: 'audit',
      evaluate: ({ desired: { properties } }) => (properties.odd === undefined ? [] : [{ path: 'odd' }]),
    }),
  ],
  { mode: 'enforce' },
);

/** What the five devices of a hub are there for. */
const fleet = {
  fine: { mode: 'Low' },
  new: undefined,
  wrong: { mode: 'Off', legacy: 1 },
  odd: { mode: 'High', odd: true },
  late: undefined,
} as const;

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());

describe('a sweep that is killed', { timeout: 240_000 }, () => {
  it.each(['before', 'after'] as const)(
    'right %s any of its calls, and by whoever comes next gone on with, leaves the history as if nothing had been',
    async (when) => {
      const expected = await untroubled();
      let resumed = 0;
      for (let n = 1; n <= expected.calls + 1; n++) {
        const hub = await newHub();
        const crashed = await live(hub, { n, when });
        expect(crashed.killed).toBe(n <= expected.calls);
        await liveOn(hub);
        const { row, ...result } = await resultOf(hub);
        expect({ n, ...result }).toEqual({ n, ...expected.result });
        expect({ n, row }).toEqual({ n, row: onceKilled(expected.row) });
        if (row.resumed > 1) resumed++;
      }
      // Those that were killed in the sweep itself, and not in the work that it had handed out.
      expect(resumed).toBeGreaterThan(expected.calls / 4);
    },
  );

  it('again and again, wherever it has come to, gets to the same end', async () => {
    const expected = await untroubled();
    for (const step of [3, 8]) {
      const hub = await newHub();
      let lives = 0;
      // Longer each time, or it would for ever die in the same place.
      for (let n = step; (await live(hub, { n, when: n % 2 === 0 ? 'after' : 'before' })).killed; n += 2) {
        lives++;
        hub.clock.pass(200_000);
      }
      await liveOn(hub);
      const { row, ...result } = await resultOf(hub);
      expect({ step, ...result }).toEqual({ step, ...expected.result });
      expect(row).toEqual(onceKilled(expected.row));
      expect(row.resumed).toBeGreaterThan(1);
      expect(lives).toBeGreaterThan(1);
    }
  });
});

/** What a sweep comes to when nothing goes wrong, and how many calls it takes. */
async function untroubled() {
  const hub = await newHub();
  const { calls, killed } = await live(hub);
  expect(killed).toBe(false);
  const { row, ...result } = await resultOf(hub);
  expect(result.history.map(({ role, kind, path, outcome }) => [role, kind, path, outcome])).toEqual([
    ['new', 'missingModule', '', 'created'],
    ['wrong', 'forbiddenProperty', 'legacy', 'enforced'],
    ['wrong', 'wrongValue', 'mode', 'enforced'],
    ['odd', 'custom', 'odd', 'audited'],
    ['late', 'missingModule', '', 'created'],
  ]);
  expect(row).toEqual({ state: 'done', resumed: 1, found: 5, changed: 4, partsDone: row.parts, parts: row.parts });
  return { calls, row, result };
}

/** A hub on which nobody has looked yet, what waits in the queue there, and the time. */
interface Swept {
  readonly ids: readonly string[];
  readonly queue: SweepMessage[];
  readonly clock: MovableClock;
}

let hubs = 0;

async function newHub(): Promise<Swept> {
  await world.clear();
  hubs++;
  const ids = Object.entries(fleet).map(([role, desired]) => {
    const deviceId = `hub-${hubs}-${role}`;
    world.add(deviceId, desired === undefined ? {} : { Agent: desired });
    return deviceId;
  });
  return { ids, queue: [], clock: new MovableClock() };
}

/** The list with times as the sweep's clock tells them, which is ahead of the one that rows are written by. */
function inTimeOf(clock: MovableClock, { page, confirm }: OpenList): OpenList {
  const ahead = clock.now().getTime() - Date.now();
  const shifted = (row: DriftRow): DriftRow => ({
    ...row,
    outcomeAt: new Date(Date.parse(row.outcomeAt) + ahead).toISOString(),
  });
  return {
    async page(limit, after) {
      const { rows, ...rest } = await page(limit, after);
      return { ...rest, rows: rows.map(shifted) };
    },
    confirm,
  };
}

interface Kill {
  /** At which call, counted from 1. */
  readonly n: number;
  /** Whether that call still reaches the other side. */
  readonly when: 'before' | 'after';
}

/**
 * One process, with nothing in memory: the timer's invocation, and those of the queue until it is empty. A killed one makes no further
 * call; the message that it was about stays in the queue. What it pauses for at its deadline is gone on with by a message, too.
 */
async function live(
  { queue, clock }: Swept,
  kill?: Kill,
): Promise<{ readonly calls: number; readonly killed: boolean }> {
  let calls = 0;
  let killed = false;
  const mortal = <T extends object>(target: T, free: readonly PropertyKey[] = []): T =>
    new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key);
        if (key === 'lane') return (...args: Parameters<Hub['lane']>) => mortal((target as Hub).lane(...args), free);
        if (typeof value !== 'function' || free.includes(key)) return value;
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
  // Pages of two, and a deadline in the middle of the search, so that there is a place to lose.
  let pages = 0;
  const hasty = atQueries(
    inPagesOf(2, world.door),
    () => true,
    () => {
      if (++pages === 6) clock.pass(10 * 60_000);
      return undefined;
    },
  );
  const hub = mortal(hasty, ['waitFor']);
  const store = mortal(createSweepStore(world.storage, () => clock.now()));
  const journal = mortal(world.journal);
  const putQueue = mortal({ put: async (message: SweepMessage) => void queue.push(message) });
  const guardStore = mortal({
    competing: async () => [],
    putCompeting: async () => {},
    putDeviceCount: async () => {},
  });
  const openList = mortal(
    inTimeOf(
      clock,
      createOpenList(world.storage, () => clock.now()),
    ),
  );
  const sweeper = new Sweeper({
    policies,
    hub,
    store,
    queue: putQueue,
    guardStore,
    openList,
    log: quiet,
    clock,
    minutes: 4,
  });
  const worker = new SweepWorker({
    sweeper,
    // By the clock that the hub goes by: when something was found is held against when it was written there.
    reconcilerFor: (lane) => new Reconciler({ policies, hub: lane, journal, log: quiet }),
    hub,
    store,
    queue: putQueue,
    log: quiet,
    retry: { firstDelay: 1, attempts: 3 },
  });
  const survive = async (act: () => Promise<unknown>) => {
    try {
      await act();
    } catch (error) {
      if (!killed) throw error;
    }
  };
  await survive(() => sweeper.run({ trigger: 'timer' }));
  for (let [message] = queue; message !== undefined && !killed; [message] = queue) {
    const delivered: unknown = JSON.parse(JSON.stringify({ v: 1, ...message }));
    await survive(() => worker.handle(delivered));
    // Only a process that got to the end of it takes it out.
    if (!killed) queue.splice(queue.indexOf(message), 1);
  }
  return { calls, killed };
}

/** Processes that nobody kills, once the lead of the dead one has run out, until the sweep and all of its work are done. */
async function liveOn(hub: Swept): Promise<void> {
  hub.clock.pass(200_000);
  const { killed } = await live(hub);
  expect(killed).toBe(false);
}

async function resultOf({ ids, clock }: Swept) {
  const roles = Object.keys(fleet);
  const rows = await Promise.all(ids.map((id) => world.history(id)));
  const open = await Promise.all(ids.map(async (id) => (await world.journal.read(id)).open));
  const sweeps = await createSweepStore(world.storage, () => clock.now()).list(10);
  return {
    row: briefRow(sweeps.at(-1)),
    history: rows.flatMap((its, role) => its.map((row) => gist(row, roles[role])).toSorted(byPlace)),
    open: open.flatMap((its, role) => its.map((row) => gist(row, roles[role]))),
    twins: await Promise.all(ids.map((id) => world.desiredOf(id, 'Agent'))),
  };
}

/** What a crash must not change in the row of the sweep, and how often it was gone on with. */
function briefRow(row: SweepRow | undefined) {
  if (row === undefined) throw new Error('no sweep is on record');
  const { state, resumed, found, changed, parts, partsDone } = row;
  return { state, resumed, found, changed, parts, partsDone };
}

/** What of it a crash may change: what a part had done and not noted when it was killed is not counted. */
function onceKilled(row: ReturnType<typeof briefRow>): Record<keyof typeof row, unknown> {
  const atMost = (most: number) => expect.toSatisfy((count: number) => count <= most);
  return { ...row, resumed: expect.any(Number), found: atMost(row.found), changed: atMost(row.changed) };
}

/** All of a row that a crash must not change. */
function gist(row: DriftRow, role: string | undefined) {
  const { moduleId, policy, path, kind, expected, actual, mode, source, outcome, error, write } = row;
  return { role, moduleId, policy, path, kind, expected, actual, mode, source, outcome, error, version: write.version };
}

function byPlace(left: ReturnType<typeof gist>, right: ReturnType<typeof gist>): number {
  return `${left.kind} ${left.path}` < `${right.kind} ${right.path}` ? -1 : 1;
}
