/** Sends how large the heap gets while the history of a range of time is exported as CSV, as the API does it. Needs `--expose-gc`. */

import { toCsv } from '../../../functions/api/drift-csv.ts';
import { createHistory } from '../../../shared/drift/index.ts';
import { givenOptions, sendResult } from '../child.ts';
import { type HeapPeak, HeapWatch } from '../heap-watch.ts';

export interface Exported extends HeapPeak {
  readonly rows: number;
  readonly bytes: number;
}

const { connectionString, from, to } = givenOptions<{
  readonly connectionString: string;
  readonly from: string;
  readonly to: string;
}>();
const history = createHistory({ connectionString }, () => new Date(to));
// What is loaded on first use is not what is measured.
await history.page({ from, to }, 1);
await toCsv([]);

const watch = new HeapWatch('collected');
let rows = 0;
let bytes = 0;
let cursor: string | undefined;
do {
  const page = await history.page({ from, to }, 1000, cursor);
  bytes += Buffer.byteLength(await toCsv(page.rows));
  rows += page.rows.length;
  cursor = page.cursor;
} while (cursor !== undefined);
sendResult({ ...watch.end(), rows, bytes } satisfies Exported);
