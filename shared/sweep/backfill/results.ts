import { jobErrorsBlob, type Problem, readImportError } from '../../hub/index.ts';
import type { BlobFolder } from '../../storage/index.ts';
import type { Backfill, BackfillKey, SweepStore } from '../store/index.ts';
import type { ImportResults } from './import-hubs.ts';

/** Maximum number of failed lines. With more, bulk calls find out about each module. */
const mostFailures = 5000;

/** Where the results are stored. The bytes of the sweep itself are removed at its end, which may come before the end of the job. */
const placeOf = ({ sweepId, step }: BackfillKey) => [`${sweepId}-backfill`, String(step)] as const;

/** Stores which lines of an import failed. Returns the reason when the list of errors cannot be used. */
export async function saveResults(
  store: Pick<SweepStore, 'saveBytes'>,
  state: Backfill,
  folder: BlobFolder,
): Promise<string | undefined> {
  const failed: Record<string, Problem> = Object.create(null) as Record<string, Problem>;
  let count = 0;
  for await (const line of folder.lines(jobErrorsBlob)) {
    const error = readImportError(line);
    if (error === undefined) return 'the list of its errors names no devices';
    if (++count > mostFailures) return `more than ${mostFailures} of its lines failed`;
    failed[error.deviceId] = error.problem;
  }
  await store.saveBytes(...placeOf(state), Buffer.from(JSON.stringify(failed)));
  return undefined;
}

/** Reads what {@link saveResults} has stored. `undefined` when it is lost: then bulk calls find out about each module. */
export async function loadResults(
  store: Pick<SweepStore, 'loadBytes' | 'backfill'>,
  key: BackfillKey,
): Promise<ImportResults | undefined> {
  const [bytes, state] = await Promise.all([store.loadBytes(...placeOf(key)), store.backfill(key)]);
  if (bytes === undefined || state === undefined) return undefined;
  const failed = JSON.parse(Buffer.from(bytes).toString()) as Record<string, Problem>;
  return { failed: new Map(Object.entries(failed)), tried: new Set(state.tried) };
}
