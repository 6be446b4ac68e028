import { beforeAll, describe, expect, it } from 'vitest';
import { createJournal, createRollups, createRunningPasses } from '../../../shared/drift/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import {
  createDeadLetterList,
  createDeadLetters,
  createDeferredQueue,
  createDeferredQueueLength,
} from '../../../shared/retry/index.ts';
import { createStatusStore, type FactSources, readFacts } from '../../../shared/status/index.ts';
import type { DayUsage } from '../../../shared/status/usage.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { newStorageAccount } from '../../support/storage.ts';

const minute = 60_000;
let time = Date.UTC(2026, 10, 22, 0, 3);
const now = () => new Date(time);
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 22, 0, 3) + minutes * minute).toISOString();

let account: { readonly connectionString: string };
let sources: FactSources;
beforeAll(async () => {
  account = (await newStorageAccount()).endpoints;
  sources = {
    statusStore: createStatusStore(account, now),
    guardStore: createGuardStore(account, { clock: { now, sleep: async () => {} } }),
    sweepStore: createSweepStore(account, now),
    deadLetterList: createDeadLetterList(account),
    runningPasses: createRunningPasses(account, now),
    deferredLength: createDeferredQueueLength(account),
    policies: ['agent', 'other'],
    now,
  };
});

describe('the facts about an app', () => {
  it('are few before anything has happened', async () => {
    const facts = await readFacts(sources);
    expect(facts).toMatchObject({ open: 0, deadLetters: 0, deferred: 0, released: [], competing: [] });
    expect(facts).not.toHaveProperty('since');
    expect(facts).not.toHaveProperty('sweepEndedAt');
    expect(facts).not.toHaveProperty('pendingSince');
    expect(facts.usage).not.toHaveProperty('lastEventAt');
    expect(facts.policies).toEqual([
      { policy: 'agent', outOfLine: 0 },
      { policy: 'other', outOfLine: 0 },
    ]);
  });

  it('have the use of the hub by all processes, also of those that stored it before midnight', async () => {
    const store = createStatusStore(account, now);
    const lastMinutes = { [Math.floor(time / minute) - 5]: { query: [3, 1] } } as const;
    const yesterday: DayUsage = { day: '2026-11-21', minutes: lastMinutes, messages: 100, lastEventAt: at(-9) };
    await store.putUsage('a', yesterday);
    await store.putUsage('a', { ...yesterday, day: '2026-11-22', minutes: {}, messages: 4 });
    await store.putUsage('a', { ...yesterday, day: '2026-11-22', minutes: {}, messages: 5 });
    await store.putUsage('b', { ...yesterday, day: '2026-11-22', messages: 6, lastChangeAt: at(-1) });
    expect(await readFacts(sources)).toMatchObject({
      unansweredSince: at(-1),
      usage: { messagesToday: 11, lastEventAt: at(-9), calls: { query: 6 }, throttled: { query: 2 } },
    });
    time += 60 * minute;
    expect(await readFacts(sources)).toMatchObject({ usage: { messagesToday: 11, calls: { query: 0 } } });
    time -= 60 * minute;
  });

  it('tell each process what the others have used today, and when they called the hub', async () => {
    const store = createStatusStore(account, () => new Date(time + 86_400_000));
    const today = new Date(time + 86_400_000).toISOString().slice(0, 10);
    await store.putUsage('c', { day: today, minutes: { 1: { query: [1, 0] } }, messages: 7, aliveAt: at(0) });
    await store.putUsage('d', { day: today, minutes: {}, messages: 8, quotaEndedAt: at(1), quotaTakenAt: at(0) });
    expect(await store.instances()).toEqual([
      { instance: 'c', day: today, messages: 7, aliveAt: at(0) },
      { instance: 'd', day: today, messages: 8, quotaEndedAt: at(1), quotaTakenAt: at(0) },
    ]);
  });

  it('keep the last event over days without one', async () => {
    const counted = {
      at: at(0),
      since: at(-9000),
      mode: 'enforce',
      sweepGapMinutes: 15,
      rollUpGapMinutes: 5,
      open: 7,
      reasons: { 'heldBack: contested': 4, 'heldBack: odd': 2, 'deferred: settling': 1 },
      outOfLine: { agent: 3 },
      lastEventAt: at(-9),
      unansweredSince: at(-1),
    } as const;
    await createStatusStore(account, now).putRolledUp(counted);
    time += 3 * 86_400_000;
    expect(await readFacts(sources)).toMatchObject({
      since: at(-9000),
      rolledUpAt: at(0),
      open: 7,
      heldBack: { blastRadius: 0, contested: 4, competing: 0, settling: 1, other: 2 },
      unansweredSince: at(-1),
      usage: { lastEventAt: at(-9), messagesToday: 0 },
    });
    time -= 3 * 86_400_000;
  });

  it('have dead letters, the queue, the oldest running pass, sweeps, a released policy and device counts', async () => {
    const letters = createDeadLetters(account, now);
    await letters.put({ deviceId: 'd', reason: 'no', state: 'dead', event: {} });
    await letters.put({ deviceId: 'd', reason: 'later', state: 'parked', event: {} });
    await createDeferredQueue(account, letters).put({ deviceId: 'd', events: [], attempt: 1, reason: 'busy' }, 3600);
    const passes = createRunningPasses(account, now);
    const ended = await passes.begin(['a']);
    time += minute;
    await passes.begin(['b']);
    await passes.end(ended);
    const guards = createGuardStore(account, { clock: { now, sleep: async () => {} } });
    await guards.putDeviceCount('agent', 12);
    await guards.release('other');
    const sweeps = createSweepStore(account, now);
    const done = await sweeps.claim({ trigger: 'timer' });
    if (done === undefined) throw new Error('The sweep could not be claimed.');
    await sweeps.release(done, undefined, { ...done.row, state: 'done', endedAt: at(3) });
    time += 4 * minute;
    await sweeps.claim({ trigger: 'timer' });
    expect(await readFacts(sources)).toMatchObject({
      deadLetters: 1,
      deferred: 1,
      pendingSince: at(1),
      released: [{ policy: 'other', until: at(61) }],
      policies: [{ policy: 'agent', devices: 12, outOfLine: 3 }, { policy: 'other' }],
      sweepEndedAt: at(3),
      sweepDuration: 2 * minute,
      sweepActiveAt: at(5),
    });
  });
});

describe('the open list', () => {
  it('is counted by device and by reason, and the roll-up returns the counts', async () => {
    const journal = createJournal(account, now);
    const rows = [
      driftRow('p', at(-5), { path: 'a', outcome: 'heldBack', error: 'contested: somebody' }),
      driftRow('p', at(-5), { path: 'b', outcome: 'heldBack', error: 'blastRadius: enough' }),
      driftRow('p', at(-5), { path: 'c', outcome: 'audited' }),
      driftRow('p', at(-5), { path: 'd', outcome: 'deferred', error: 'settling: wait' }),
      driftRow('p', at(-5), { path: 'e', outcome: 'enforced' }),
    ];
    await journal.write('p', rows, await journal.read('p', at(-100)));
    const other = [driftRow('q', at(-5), { outcome: 'deferred', error: '503 unavailable' })];
    await journal.write('q', other, await journal.read('q', at(-100)));
    const rollups = createRollups(account, now);
    const counts = await rollups.refresh([]);
    expect(counts.total).toBe(5);
    expect(Object.fromEntries(counts.devices)).toEqual({ agent: 2 });
    expect(Object.fromEntries(counts.reasons)).toEqual({
      'heldBack: contested': 1,
      'heldBack: blastRadius': 1,
      'deferred: settling': 1,
      audited: 1,
      deferred: 1,
    });
    expect(await rollups.openCounts()).toEqual(counts);
  });
});

describe('retention', () => {
  it('removes the use of the hub on days before a time, and nothing else', async () => {
    const store = createStatusStore(account, now);
    const usage = { minutes: {}, messages: 1 };
    for (const day of ['2026-01-01', '2026-11-20']) await store.putUsage('a', { ...usage, day });
    expect(await store.removeBefore(new Date(at(-1440)), () => false)).toEqual({ isUnfinished: true });
    expect(await store.removeBefore(new Date(at(-1440)), () => true)).toEqual({ isUnfinished: false });
    expect(await store.removeBefore(new Date(at(-1440)), () => false)).toEqual({ isUnfinished: false });
    expect(await store.rolledUp()).toMatchObject({ open: 7 });
    expect(await store.usages()).toHaveLength(3);
  });
});
