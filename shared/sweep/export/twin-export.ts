import * as z from 'zod/mini';
import type { Clock } from '../../clock.ts';
import { type Hub, jobBlob } from '../../hub/index.ts';
import type { Log } from '../../log.ts';
import { describeThrown } from '../../policy/index.ts';
import type { BlobFolder, BlobFolders } from '../../storage/index.ts';
import { advanceJob } from '../hub-jobs/index.ts';
import type { SweepStore } from '../store/index.ts';

export interface TwinExportDependencies {
  readonly hub: Pick<Hub, 'jobs'>;
  readonly store: Pick<SweepStore, 'readMemo' | 'writeMemo'>;
  readonly folders: BlobFolders;
  /** See `exportAbove`. Infinity: the app makes no exports. */
  readonly exportAbove: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** An export that is complete. */
export interface ReadyExport {
  readonly type: 'ready';
  readonly folder: BlobFolder;
  /** Number of bytes of the blob. */
  readonly size: number;
  /** When the export began, ISO 8601. Its twins are not older. */
  readonly since: string;
}

/** How far the export is. `wait`: the hub still runs its job, or another one. `refused`: there is no export, so queries must read the twins. */
export type ExportProgress =
  | { readonly type: 'wait'; readonly since: string }
  | ReadyExport
  | { readonly type: 'refused'; readonly reason: string };

/** Name of the memo with the present export. No policy has this name, because a policy's name has no space. */
const exportMemo = 'twin export';

/** Milliseconds after which the twins of an export are too old to be read. */
const longestUse = 86_400_000;

/** The present export. Its folder is removed by the sweep that finds it over. */
const schema = z.object({
  folder: z.string(),
  since: z.iso.datetime(),
  jobId: z.exactOptional(z.string()),
  /** Number of bytes of the complete blob. Absent while the job runs. */
  size: z.exactOptional(z.number()),
  /** True where the folder could not be removed, and is to be removed later. */
  isOver: z.exactOptional(z.boolean()),
});
type Stored = z.infer<typeof schema>;

/**
 * The export of all twins of the hub by one of its jobs. All policies of a sweep share it. The first sweep that needs it starts the job, later
 * sweeps look at the job, and the sweep that finds it complete reads the blob and removes it. A sweep never waits for the job.
 *
 * The state is stored before each action. So the next sweep knows a job or a blob that a killed process left, and goes on with it or removes it.
 */
export class TwinExport {
  readonly #dependencies: TwinExportDependencies;
  #progress: Promise<ExportProgress> | undefined;

  constructor(dependencies: TwinExportDependencies) {
    this.#dependencies = dependencies;
  }

  /** Starts an export when there is none, or looks how far it is. Acts once in each run of a sweep. */
  advance(): Promise<ExportProgress> {
    this.#progress ??= this.#advance();
    return this.#progress;
  }

  /**
   * Removes the blob of a complete export, at the end of a sweep. A job that runs is left alone while a policy may need it.
   *
   * @param isWhole Whether this run is the whole sweep, so that no policy asked for the export in an earlier run.
   */
  async finish(isWhole: boolean): Promise<void> {
    const before = await this.#load();
    if (before === undefined) return;
    const isWanted = this.#dependencies.exportAbove !== Number.POSITIVE_INFINITY;
    if (isWanted && before.size === undefined && before.isOver !== true) {
      if (!isWhole || (await this.advance()).type === 'wait') return;
    }
    const state = await this.#load();
    if (state !== undefined) await this.#remove(state);
  }

  async #advance(): Promise<ExportProgress> {
    const { hub, folders, clock } = this.#dependencies;
    let state = await this.#load();
    if (state?.isOver === true) {
      await this.#remove(state);
      state = undefined;
    }
    if (state === undefined) {
      state = { folder: crypto.randomUUID().replaceAll('-', ''), since: clock.now().toISOString() };
      await this.#store(state);
    }
    const { since } = state;
    if (clock.now().getTime() - Date.parse(since) > longestUse)
      return this.#refuse(state, `the export of ${since} is too old`);
    const opened = await orReason(() => folders.open(state.folder));
    if ('reason' in opened) return this.#refuse(state, opened.reason);
    const folder = opened.value;
    if (state.size !== undefined) return { type: 'ready', folder, size: state.size, since };
    const end = await advanceJob(this.#dependencies, state, folder, {
      start: (url) => hub.jobs.startExport(url),
      keep: (job) => this.#store({ ...state, ...job }),
      waitsForOurs: true,
    });
    if (end.type === 'wait') return { type: 'wait', since };
    if (end.type === 'refused') return this.#refuse(state, end.reason);
    const size = await orReason(() => folder.size(jobBlob));
    if ('reason' in size) return this.#refuse(state, size.reason);
    if (size.value === undefined) return this.#refuse(state, `the job wrote no blob ${jobBlob}`);
    await this.#store({ ...state, size: size.value });
    return { type: 'ready', folder, size: size.value, since };
  }

  async #refuse(state: Stored, reason: string): Promise<ExportProgress> {
    await this.#remove(state);
    return { type: 'refused', reason };
  }

  /** Removes the folder, and then the state. Where the folder cannot be removed, the state remains, so that a later sweep removes the folder. */
  async #remove(state: Stored): Promise<void> {
    const { hub, folders, log } = this.#dependencies;
    const { folder, jobId, size } = state;
    // The job of a removed folder would fail, but it could block another job until then.
    if (jobId !== undefined && size === undefined) await hub.jobs.cancel(jobId);
    const removed = await orReason(() => folders.remove(folder));
    if ('reason' in removed) {
      log.warn(`The export of the twins cannot be removed now, and a later sweep removes it: ${removed.reason}`);
      await this.#store({ ...state, isOver: true });
    } else await this.#store(undefined);
  }

  async #load(): Promise<Stored | undefined> {
    const memo = await this.#dependencies.store.readMemo(exportMemo);
    return memo === undefined ? undefined : schema.safeParse(JSON.parse(memo.text)).data;
  }

  async #store(state: Stored | undefined): Promise<void> {
    const { store, clock } = this.#dependencies;
    await store.writeMemo(exportMemo, { at: clock.now().toISOString(), text: JSON.stringify(state ?? null) });
  }
}

/** Calls the storage service. Without the blob there is no export, but the twins must be read. So a fault is a reason, and not an exception. */
async function orReason<T>(call: () => Promise<T>): Promise<{ readonly value: T } | { readonly reason: string }> {
  try {
    return { value: await call() };
  } catch (error) {
    return { reason: describeThrown(error) };
  }
}
