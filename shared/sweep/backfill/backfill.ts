import pMap from 'p-map';
import type { Clock } from '../../clock.ts';
import { fromImportLine, type Hub, jobBlob, jobErrorsBlob, readImportError } from '../../hub/index.ts';
import type { Log } from '../../log.ts';
import type { BlobFolder, BlobFolders } from '../../storage/index.ts';
import { type JsonObject, jsonEquals, mergePatch } from '../../twin/index.ts';
import { advanceJob, type JobProgress } from '../hub-jobs/index.ts';
import type { Backfill, BackfillKey, SweepStore } from '../store/index.ts';
import { queueAgain, type SweepQueue } from '../work-queue.ts';
import { blockId, folderOf } from './names.ts';
import { saveResults } from './results.ts';

export interface BackfillDependencies {
  readonly hub: Hub;
  readonly store: SweepStore;
  readonly queue: SweepQueue;
  readonly folders: BlobFolders;
  readonly log: Log;
  readonly clock: Clock;
}

/** Number of lines of the trial, which shows whether the hub creates modules by an import job. */
const linesOfTrial = 10;
/** Milliseconds for which a trial counts. */
const trialValidity = 30 * 86_400_000;
/** Name of the memo that says when a trial succeeded. */
const trialMemo = 'import-trial';
/** Seconds between two looks at the work items, while workers write the lines. */
const collectDelay = 15;
/** Milliseconds after which the job starts with the lines that are written. The next sweep finds the other modules. */
const longestCollection = 2 * 3600_000;
/** Number of work items that are handed out at the same time, and in one turn. */
const handedAtOnce = 8;
const handedPerTurn = 500;
/** Seconds until a worker gets a work item that is handed out. Before that, the store has the new state of the work item. */
const handDelay = 5;

/**
 * Creates many missing modules by one import job of the hub, which costs no identity operations. Bulk calls cost one for each module, and take
 * hours for a large fleet. The work items of the sweep are prepared first: for each module, the history gets an open row, and the job gets a
 * line. Then the job runs. Then the work items are handed out again, and the rows get their outcomes from the job.
 *
 * Each turn ends quickly and puts a message for the next turn in the queue. The state is stored before each action, so that a turn after a
 * crash continues. Where the hub refuses the job, or a trial with a few lines fails, the work items go to bulk calls instead.
 */
export class BackfillCoordinator {
  readonly #dependencies: BackfillDependencies;

  constructor(dependencies: BackfillDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes one turn. Puts a message for the next turn in the queue, until all work items are handed out. */
  async turn(key: BackfillKey): Promise<void> {
    const { store, queue, clock } = this.#dependencies;
    const begun: Backfill = { ...key, phase: 'collect', since: clock.now().toISOString(), tried: [] };
    const stored = await store.backfill(key);
    if (stored === undefined) await store.putBackfill(begun);
    const delay = await this.#take(stored ?? begun);
    if (delay !== undefined) await queue.put({ type: 'backfill', ...key }, delay);
  }

  /** Hands the work items over to bulk calls, after the turns of a backfill have failed too often. */
  async abandon(key: BackfillKey): Promise<void> {
    const state = await this.#dependencies.store.backfill(key);
    if (state === undefined || state.phase === 'done') return;
    await this.#giveUp(state, 'its turns failed too often');
    await this.#dependencies.queue.put({ type: 'backfill', ...key });
  }

  /** Returns the seconds until the next turn. `undefined` when the backfill is over. */
  async #take(state: Backfill): Promise<number | undefined> {
    switch (state.phase) {
      case 'collect':
        return this.#collect(state);
      case 'trial':
        return this.#try(state);
      case 'import':
        return this.#import(state);
      case 'record':
      case 'bulk':
        return this.#handOut(state, state.phase);
      case 'done':
        return undefined;
    }
  }

  /** Waits until the lines of all work items are written. Then makes the blob from them. */
  async #collect(state: Backfill): Promise<number | undefined> {
    const { store, clock } = this.#dependencies;
    const items = await store.backfillItems(state);
    const isLate = clock.now().getTime() - Date.parse(state.since) > longestCollection;
    if (items.some(({ backfill }) => backfill === 'prepare') && !isLate) return collectDelay;
    const ready = items.filter(({ backfill }) => backfill === 'wait');
    if (ready.length === 0) return this.#handOut(state, 'bulk');
    const folder = await this.#folder(state);
    await folder.commit(
      jobBlob,
      ready.map(({ part }) => blockId(part)),
    );
    return this.#enter(state, (await this.#isProven()) ? 'import' : 'trial');
  }

  async #isProven(): Promise<boolean> {
    const { store, clock } = this.#dependencies;
    const memo = await store.readMemo(trialMemo);
    return memo !== undefined && clock.now().getTime() - Date.parse(memo.at) < trialValidity;
  }

  /** Imports a few lines, and reads the modules: the hub must have created each with its twin and its keys. */
  async #try(state: Backfill): Promise<number | undefined> {
    const { store, clock, folders } = this.#dependencies;
    const trial = await folders.open(folderOf(state, 'trial'));
    const lines = await firstLines(await this.#folder(state));
    if (state.jobId === undefined) await trial.write(jobBlob, lines.map((line) => `${line}\n`).join(''));
    const end = await this.#advanceJob(state, trial);
    if (end.type === 'wait') return end.delay;
    const fault = end.type === 'completed' ? await this.#trialFault(trial, lines) : end.reason;
    await folders.remove(folderOf(state, 'trial'));
    if (fault !== undefined) return this.#giveUp(state, fault);
    await store.writeMemo(trialMemo, { at: clock.now().toISOString(), text: 'proven' });
    const tried = lines.flatMap((line) => fromImportLine(line)?.deviceId ?? []);
    return this.#enter({ ...state, tried }, 'import');
  }

  /** Why the trial failed. `undefined` when each module exists with its twin and its keys, or its line failed for a reason of its own. */
  async #trialFault(trial: BlobFolder, lines: readonly string[]): Promise<string | undefined> {
    const { hub } = this.#dependencies;
    const failed = new Set<string>();
    for await (const line of trial.lines(jobErrorsBlob)) {
      const error = readImportError(line);
      if (error === undefined) return 'the list of its errors names no devices';
      failed.add(error.deviceId);
    }
    for (const module of lines.flatMap((line) => fromImportLine(line) ?? [])) {
      const { deviceId, moduleId, desired } = module;
      if (failed.has(deviceId)) continue;
      const twin = await hub.readTwin(deviceId, moduleId);
      if (!twin.ok) return `its trial did not create ${moduleId} on ${deviceId}: ${twin.problem.message}`;
      if (!holds(twin.value.desired.properties, desired))
        return `its trial created ${moduleId} on ${deviceId} without the desired properties`;
      const keys = await hub.jobs.hasKeys(deviceId, moduleId);
      if (keys.ok && !keys.value) return `its trial created ${moduleId} on ${deviceId} without keys`;
    }
    return failed.size === lines.length ? 'no line of its trial was imported' : undefined;
  }

  /** Imports all lines, and stores what the job did. */
  async #import(state: Backfill): Promise<number | undefined> {
    const folder = await this.#folder(state);
    const end = await this.#advanceJob(state, folder);
    if (end.type === 'wait') return end.delay;
    if (end.type === 'refused') return this.#giveUp(state, end.reason);
    const fault = await saveResults(this.#dependencies.store, state, folder);
    return fault === undefined ? this.#enter(state, 'record') : this.#giveUp(state, fault);
  }

  /** Hands the work items to the workers, some in each turn. */
  async #handOut(state: Backfill, phase: 'record' | 'bulk'): Promise<number | undefined> {
    const { store, folders } = this.#dependencies;
    const waiting = (await store.backfillItems(state)).filter(({ backfill }) => backfill === 'wait');
    const now = waiting.slice(0, handedPerTurn);
    await pMap(
      now,
      async ({ part }) => {
        const item = await store.workItem({ sweepId: state.sweepId, part });
        if (item?.backfill !== 'wait') return;
        await queueAgain(this.#dependencies, item, {
          delay: handDelay,
          backfill: phase === 'record' ? 'record' : undefined,
        });
      },
      { concurrency: handedAtOnce },
    );
    if (waiting.length > now.length) return 0;
    // The blob holds the desired properties of the fleet, so it is removed as soon as nobody needs it.
    await folders.remove(folderOf(state));
    return this.#enter(state, 'done');
  }

  async #giveUp(state: Backfill, reason: string): Promise<number | undefined> {
    const note = `The modules are created with bulk calls, and not by an import job: ${reason}`;
    this.#dependencies.log.warn(note);
    return this.#enter({ ...state, note }, 'bulk');
  }

  /** Stores that the next phase begins. Returns the seconds until its first turn. */
  async #enter(state: Backfill, phase: Backfill['phase']): Promise<number | undefined> {
    const { store, clock, log } = this.#dependencies;
    const { jobId: _, ...rest } = state;
    await store.putBackfill({ ...rest, phase, since: clock.now().toISOString() });
    log.info(`Backfill of sweep ${state.sweepId}, step ${state.step}: ${phase}.`);
    return phase === 'done' ? undefined : 0;
  }

  /** Starts the import of a phase, or looks whether it has ended. */
  #advanceJob(state: Backfill, folder: BlobFolder): Promise<JobProgress> {
    const { hub, store } = this.#dependencies;
    return advanceJob(this.#dependencies, state, folder, {
      start: (url) => hub.jobs.startImport(url),
      keep: (job) => store.putBackfill({ ...state, ...job }),
    });
  }

  #folder(state: Backfill): Promise<BlobFolder> {
    return this.#dependencies.folders.open(folderOf(state));
  }
}

async function firstLines(folder: BlobFolder): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of folder.lines(jobBlob)) {
    lines.push(line);
    if (lines.length >= linesOfTrial) break;
  }
  return lines;
}

/** Whether an object has all values of another object. */
function holds(actual: JsonObject, expected: JsonObject): boolean {
  return jsonEquals(mergePatch(actual, expected), actual);
}
