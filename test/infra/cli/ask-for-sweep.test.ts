import { describe, expect, it } from 'vitest';
import { requestSweep } from '../../../infra/cli/ask-for-sweep.ts';
import type { Clock } from '../../../shared/clock.ts';
import type { SweepRow, SweepStore } from '../../../shared/sweep/store/index.ts';

/** One change that the app makes in storage. The test makes one change each time the command waits. */
type Step = (world: World) => void;

interface World {
  rows: SweepRow[];
  isTaken: boolean;
  asked: number;
}

const idle: SweepRow = {
  v: 1,
  id: '5-old',
  trigger: 'timer',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
  state: 'done',
  resumed: 0,
  examined: 0,
  found: 0,
  changed: 0,
  hubCalls: 0,
  deferred: 0,
  waiting: 0,
  alreadyQueued: 0,
  heldBack: 0,
  parts: 0,
  partsDone: 0,
  competing: [],
  walked: [],
  warnings: [],
};
const running: SweepRow = { ...idle, id: '4-new', state: 'running' };

/** Asks for a sweep, and follows it until it ends. Time passes only while the command waits. */
async function ask(rows: readonly SweepRow[], steps: readonly Step[]) {
  const world: World = { rows: [...rows], isTaken: false, asked: 0 };
  const left = [...steps];
  let now = 0;
  const clock: Clock = {
    now: () => new Date(now),
    async sleep(milliseconds) {
      now += milliseconds;
      left.shift()?.(world);
    },
  };
  const store = {
    list: async (limit: number) => world.rows.slice(0, limit),
    get: async (id: string) => world.rows.find((row) => row.id === id),
  } as Partial<SweepStore> as SweepStore;
  const asked = await requestSweep({
    store,
    clock,
    ask: async () => void world.asked++,
    isTaken: async () => world.isTaken,
  });
  const seen: SweepRow[] = [];
  const end = await asked
    .follow((row) => seen.push(row))
    .then(
      (row) => row.id,
      (error: Error) => error.message,
    );
  return { asked: world.asked, underWay: asked.underWay?.id, end, seen, minutes: now / 60_000 };
}

const put =
  (row: SweepRow): Step =>
  (world) => {
    world.isTaken = true;
    world.rows = [row, ...world.rows.filter(({ id }) => id !== row.id)];
  };

describe('a request for a sweep', () => {
  it('follows the new sweep until the sweep has ended and all its parts are done', async () => {
    const steps = [
      put(running),
      put({ ...running, parts: 2 }),
      put({ ...running, state: 'done', parts: 2, partsDone: 1 }),
      () => {},
      put({ ...running, state: 'done', parts: 2, partsDone: 2 }),
    ];
    const { asked, underWay, end, seen } = await ask([idle], steps);
    expect({ asked, underWay, end }).toEqual({ asked: 1, underWay: undefined, end: '4-new' });
    expect(seen.map(({ parts, partsDone }) => [parts, partsDone])).toEqual([
      [0, 0],
      [2, 0],
      [2, 1],
      [2, 2],
    ]);
  });

  it('follows a running sweep, and puts a message into the queue in case its process has died', async () => {
    const { asked, underWay, end } = await ask([running, idle], [put({ ...running, state: 'done' })]);
    expect({ asked, underWay, end }).toEqual({ asked: 1, underWay: '4-new', end: '4-new' });
  });

  it('follows the sweep that replaces an abandoned one', async () => {
    const steps = [put({ ...running, state: 'abandoned' }), () => {}, put({ ...idle, id: '3-newer' })];
    const { end } = await ask([running, idle], steps);
    expect(end).toBe('3-newer');
  });

  it('says after a minute that the app is not running', async () => {
    const { end, minutes } = await ask([idle], []);
    expect(end).toMatch(/^The app has not taken the message within a minute, so it is not running\./);
    expect(minutes).toBe(1);
  });

  it('says the same when nobody resumes a running sweep', async () => {
    const { end, minutes } = await ask([running, idle], []);
    expect(end).toMatch(/it is not running/);
    expect(minutes).toBe(1);
  });

  it('says that no sweep has begun when the app has taken the message', async () => {
    const { end } = await ask([idle], [(world) => Object.assign(world, { isTaken: true })]);
    expect(end).toMatch(/taken the message, but no sweep has begun/);
  });

  it('gives up on a sweep without progress after ten minutes, and not before', async () => {
    const steps = [put(running), ...Array<Step>(1000).fill(() => {}), put({ ...running, hubCalls: 1 })];
    const { end, minutes } = await ask([idle], steps);
    expect(end).toMatch(/^Sweep 4-new has made no progress for 10 minutes/);
    expect(minutes).toBeCloseTo((1002 * 0.5) / 60 + 10, 1);
  });
});
