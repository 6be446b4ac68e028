import { jobBlob } from '../../hub/index.ts';
import type { BlobFolder } from '../../storage/index.ts';

/** Number of bytes that are read at once. A line has less than half a megabyte: a twin has at most 72 KB in a few thousand short keys. */
const bytesPerPage = 4 * 1024 * 1024;

/** Some lines of an exported blob. `next`: the byte at which the next page begins. Absent on the last page. */
export interface ExportPage {
  readonly lines: readonly string[];
  readonly next?: number;
}

/**
 * Reads the whole lines that begin at a byte of an exported blob. Holds one page in memory, however large the blob is.
 *
 * @param size The number of bytes of the blob.
 * @param most The maximum number of bytes of a page.
 * @throws {RangeError} when a line is longer than a page.
 */
export async function readExportPage(
  folder: BlobFolder,
  size: number,
  from: number,
  most = bytesPerPage,
): Promise<ExportPage> {
  const count = Math.min(most, size - from);
  if (count <= 0) return { lines: [] };
  const bytes = await folder.read(jobBlob, from, count);
  const isLast = from + bytes.length >= size;
  const end = isLast ? bytes.length : bytes.lastIndexOf('\n') + 1;
  if (end === 0) throw new RangeError(`The line at byte ${from} is longer than ${most} bytes.`);
  const lines = bytes
    .toString('utf8', 0, end)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return { lines, ...(isLast ? {} : { next: from + end }) };
}
