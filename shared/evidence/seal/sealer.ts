import type { ActionLog } from '../../actions/index.ts';
import type { StoredRows } from '../../drift/index.ts';
import { createWriteOnceBlobs, type StorageAccount, type WriteOnceBlobs } from '../../storage/index.ts';
import { allCandidates, candidatesOf } from './candidates.ts';
import { beginOf, type Day, dayAfter, dayOf, type Period } from './day.ts';
import type { ActionLine, OpenLine } from './lines.ts';
import { type Manifest, manifestBytes, manifestName, sealedContainer, sha256Of } from './manifest.ts';
import { sealActions } from './seal-actions.ts';
import { sealRows } from './seal-rows.ts';
import { filesOf, readSealedDay, type StoredManifest, sealedDays } from './sealed-days.ts';
import { FileFault, LineWriter, readLines } from './sealed-files.ts';

interface SealerOptions {
  readonly blobs: WriteOnceBlobs;
  readonly rows: StoredRows;
  readonly actions: Pick<ActionLog, 'page'>;
  /** The name of the hub, as the rows name it. */
  readonly hub: string;
  readonly appVersion: string;
  now(): Date;
}

/** A day that is sealed. */
export interface SealedDay {
  readonly day: Day;
  /** The SHA-256 of the manifest. */
  readonly sha256: string;
  readonly counts: Manifest['counts'];
}

export interface SealRun {
  /** The days that this run found unsealed, and that are sealed now. Oldest first. */
  readonly sealed: readonly SealedDay[];
  /** Whether whole days are left for the next run. */
  readonly isUnfinished: boolean;
}

/**
 * Milliseconds after the end of a day before the day is sealed. A write that began on the day has then ended: an operation on a table ends after
 * 50 seconds at most.
 */
const settleTime = 10 * 60_000;

/** Seals the days of the history. */
export class Sealer {
  readonly #options: SealerOptions;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  /**
   * Seals each whole day that is not sealed, oldest first. A day that another process seals at the same time is sealed once. A run that is
   * killed leaves files that no manifest names; the next run writes the same files again, and then the manifest.
   *
   * @param mayContinue Called before each day. `false` ends the run.
   */
  async run(mayContinue: () => boolean): Promise<SealRun> {
    const { blobs, now } = this.#options;
    const last = dayAfter(dayOf(new Date(now().getTime() - settleTime)), -1);
    const days = await sealedDays(blobs);
    const newest = days.at(-1);
    const first = days[0];
    const sealed: SealedDay[] = [];
    let day = newest === undefined ? await this.#firstDay(last) : dayAfter(newest);
    if (day === undefined || day > last) return { sealed, isUnfinished: false };
    let previous = newest === undefined ? undefined : await readSealedDay(blobs, newest);
    const chainBegan = first === undefined ? undefined : (await readSealedDay(blobs, first))?.manifest?.sealedAt;
    for (; day <= last; day = dayAfter(day)) {
      if (!mayContinue()) return { sealed, isUnfinished: true };
      previous = await this.#seal(day, previous, chainBegan);
      sealed.push({ day, sha256: previous.sha256, counts: previous.manifest?.counts ?? noCounts });
    }
    return { sealed, isUnfinished: false };
  }

  /** The day with which the chain begins. `undefined` when there is nothing to seal. */
  async #firstDay(last: Day): Promise<Day | undefined> {
    const { rows, actions } = this.#options;
    const firstHour = await rows.firstHour();
    if (firstHour !== undefined) {
      // Retention has taken the closed rows of earlier hours. The first seal has the rows that it left.
      const retained = await rows.retainedSince();
      return (retained > firstHour ? retained : firstHour).slice(0, 10);
    }
    const { actions: anyActions } = await actions.page({}, 1);
    return anyActions.length > 0 ? last : undefined;
  }

  /** Seals a day, or reads its seal when another process was faster. */
  async #seal(day: Day, previous: StoredManifest | undefined, chainBegan: string | undefined): Promise<StoredManifest> {
    const { blobs } = this.#options;
    const manifest = await this.#write(day, previous, previous?.manifest, chainBegan).catch((error: unknown) => {
      // The files of the day before do not help. The day is still sealed, from the whole timeline.
      if (!(error instanceof FileFault)) throw error;
      return this.#write(day, previous, undefined, chainBegan);
    });
    const bytes = manifestBytes(manifest);
    if ((await blobs.write(manifestName(day), bytes)) === 'written') return { day, sha256: sha256Of(bytes), manifest };
    const stored = await readSealedDay(blobs, day);
    if (stored === undefined) throw new Error(`The manifest of ${day} exists, and cannot be read.`);
    return stored;
  }

  /**
   * Writes the files of a day. Returns its manifest, which the caller must write.
   *
   * @param before The manifest of the day before, whose files are read. Without it, the whole timeline is read.
   */
  async #write(
    day: Day,
    previous: StoredManifest | undefined,
    before: Manifest | undefined,
    chainBegan: string | undefined,
  ): Promise<Manifest> {
    const { blobs, rows, actions, hub, appVersion, now } = this.#options;
    const sealedAt = now().toISOString();
    const retainedSince = await rows.retainedSince();
    const period: Period = {
      from: previous === undefined ? undefined : beginOf(day),
      to: beginOf(dayAfter(day)),
    };
    const withUnknown = chainBegan === undefined || beginOf(day) < chainBegan;
    const candidates = before === undefined ? allCandidates(day) : await candidatesOf(rows, day, withUnknown);
    const openBefore = before === undefined ? [] : filesOf(before, 'open');
    const actionsBefore =
      before === undefined ? undefined : await all(readLines<ActionLine>(blobs, filesOf(before, 'actions')));

    const writers = {
      rows: new LineWriter(blobs, day, 'rows'),
      transitions: new LineWriter(blobs, day, 'transitions'),
      open: new LineWriter(blobs, day, 'open'),
    };
    const counts = await sealRows(rows, candidates, period, readLines<OpenLine>(blobs, openBefore), writers);
    const actionWriter = new LineWriter(blobs, day, 'actions');
    const actionCount = await sealActions(actions, period, actionsBefore, actionWriter);
    const files = [
      ...(await writers.rows.end()),
      ...(await writers.transitions.end()),
      ...(await writers.open.end()),
      ...(await actionWriter.end()),
    ];
    return {
      format: 1,
      ...{ hub, day, from: period.from ?? null, to: period.to, sealedAt, appVersion },
      previous: previous === undefined ? null : { day: previous.day, sha256: previous.sha256 },
      retainedSince,
      counts: { ...counts, actions: actionCount },
      files,
    };
  }
}

/** Opens the sealer of a storage account. Errors of the storage service are thrown unchanged. */
export function openSealer(account: StorageAccount, options: Omit<SealerOptions, 'blobs'>): Sealer {
  return new Sealer({ ...options, blobs: createWriteOnceBlobs(account, sealedContainer) });
}

const noCounts: Manifest['counts'] = { rows: 0, transitions: 0, open: 0, actions: 0 };

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}
