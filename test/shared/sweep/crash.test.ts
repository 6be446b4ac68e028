import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { absent, definePolicy, oneOf, toPolicySet } from '../../../shared/policy/index.ts';
import { createSweepStore, type SweepRow } from '../../../shared/sweep/store/index.ts';
import { StillClock } from '../../support/still-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { runProcess, type Surroundings } from './mortal-process.ts';

const policies = toPolicySet(
  [
    definePolicy({
      name: 'agent',
      module: 'Agent',
      createModule: true,
      desired: { mode: oneOf(['High', 'Low'], { otherwise: 'High' }), legacy: absent() },
    }),
    // Queries cannot express this policy, so the sweep reads all of its twins, and the process is also killed in that walk. The policy
    // changes nothing.
    definePolicy({
      name: 'watcher',
      module: 'Agent',
      mode: 'audit',
      evaluate: ({ desired: { properties } }) => (properties.odd === undefined ? [] : [{ path: 'odd' }]),
    }),
  ],
  { mode: 'enforce' },
);

/** One device per entry: the desired properties of its module `Agent`. `undefined` means that the device has no module. */
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
    '%s any of its calls and then resumed leaves the same history as an undisturbed one',
    async (when) => {
      const expected = await undisturbed();
      let resumed = 0;
      for (let n = 1; n <= expected.calls + 1; n++) {
        const hub = await newHub();
        const crashed = await runProcess(hub, { n, when });
        expect(crashed.killed).toBe(n <= expected.calls);
        await finish(hub);
        const { row, ...result } = await resultOf(hub);
        expect({ n, ...result }).toEqual({ n, ...expected.result });
        expect({ n, row }).toEqual({ n, row: afterKill(expected.row) });
        if (row.resumed > 1) resumed++;
      }
      // The sweep itself makes more than a quarter of the calls, and its work items make the rest. After a kill at a call of the sweep
      // itself, the sweep is resumed once more.
      expect(resumed).toBeGreaterThan(expected.calls / 4);
    },
  );

  it('several times leaves the same history as an undisturbed one', async () => {
    const expected = await undisturbed();
    for (const step of [3, 8]) {
      const hub = await newHub();
      let kills = 0;
      // Each process makes more calls than the process before it, so that the sweep advances.
      for (let n = step; (await runProcess(hub, { n, when: n % 2 === 0 ? 'after' : 'before' })).killed; n += 2) {
        kills++;
        hub.clock.pass(200_000);
      }
      await finish(hub);
      const { row, ...result } = await resultOf(hub);
      expect({ step, ...result }).toEqual({ step, ...expected.result });
      expect(row).toEqual(afterKill(expected.row));
      expect(row.resumed).toBeGreaterThan(1);
      expect(kills).toBeGreaterThan(1);
    }
  });
});

/** Returns the result of a sweep whose process is never killed, and its number of calls. */
async function undisturbed() {
  const hub = await newHub();
  const { calls, killed } = await runProcess(hub);
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

/** A hub on which no sweep has run, with the ids of its devices. */
interface NewHub extends Surroundings {
  readonly ids: readonly string[];
}

let hubs = 0;

async function newHub(): Promise<NewHub> {
  await world.clear();
  hubs++;
  // The clock stands still, so that no lease and no deadline ends because the machine is slow. It is an hour behind the machine's clock, which the
  // hub and the reconciler use, and stays behind after many kills. A work item whose time is later than its repair would count as a new departure.
  const clock = new StillClock(new Date(Date.now() - 3600_000).toISOString());
  const ids = Object.entries(fleet).map(([role, desired]) => {
    const deviceId = `hub-${hubs}-${role}`;
    world.add(deviceId, desired === undefined ? {} : { Agent: desired });
    return deviceId;
  });
  return { world, policies, ids, queue: [], clock };
}

/** Waits until the lease of the killed process has expired. Then runs a new process until the sweep and its work items are done. */
async function finish(hub: NewHub): Promise<void> {
  hub.clock.pass(200_000);
  const { killed } = await runProcess(hub);
  expect(killed).toBe(false);
}

async function resultOf({ ids, clock }: NewHub) {
  const roles = Object.keys(fleet);
  const rows = await Promise.all(ids.map((id) => world.history(id)));
  const open = await Promise.all(ids.map(async (id) => (await world.journal.read(id)).open));
  const sweeps = await createSweepStore(world.storage, () => clock.now()).list(10);
  return {
    row: stableCounts(sweeps.at(-1)),
    history: rows.flatMap((deviceRows, role) =>
      deviceRows.map((row) => stableFields(row, roles[role])).toSorted(byPath),
    ),
    open: open.flatMap((deviceRows, role) => deviceRows.map((row) => stableFields(row, roles[role]))),
    twins: await Promise.all(ids.map((id) => world.desiredOf(id, 'Agent'))),
  };
}

/** Returns the counts of a sweep's row that the test compares. */
function stableCounts(row: SweepRow | undefined) {
  if (row === undefined) throw new Error('There is no row of a sweep.');
  const { state, resumed, found, changed, parts, partsDone } = row;
  return { state, resumed, found, changed, parts, partsDone };
}

/**
 * Returns the expected counts after a kill. `found` and `changed` may be too low: a killed work item may have made changes without counting
 * them.
 */
function afterKill(row: ReturnType<typeof stableCounts>): Record<keyof typeof row, unknown> {
  const atMost = (most: number) => expect.toSatisfy((count: number) => count <= most);
  return { ...row, resumed: expect.any(Number), found: atMost(row.found), changed: atMost(row.changed) };
}

/** Returns the fields of a history row that must be the same with and without a kill. */
function stableFields(row: DriftRow, role: string | undefined) {
  const { moduleId, policy, path, kind, expected, actual, mode, source, outcome, error, write } = row;
  return { role, moduleId, policy, path, kind, expected, actual, mode, source, outcome, error, version: write.version };
}

function byPath(left: ReturnType<typeof stableFields>, right: ReturnType<typeof stableFields>): number {
  return `${left.kind} ${left.path}` < `${right.kind} ${right.path}` ? -1 : 1;
}
