import { expect, it } from 'vitest';
import type { BlobFolder } from '../../../../shared/storage/index.ts';
import { readExportPage } from '../../../../shared/sweep/export/index.ts';
import { fc } from '../../../support/arbitraries.ts';

/** A folder with one blob. */
function folderOf(blob: Buffer, reads: number[] = []): BlobFolder {
  return {
    read: async (_, from, count) => {
      reads.push(count);
      return blob.subarray(from, from + count);
    },
  } as Partial<BlobFolder> as BlobFolder;
}

async function allLines(blob: Buffer, bytesPerPage: number): Promise<readonly string[]> {
  const lines: string[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page = await readExportPage(folderOf(blob), blob.length, from, bytesPerPage);
    lines.push(...page.lines);
    expect(page.next ?? blob.length + 1).toBeGreaterThan(from);
    from = page.next;
  }
  return lines;
}

it('reads each line once, wherever the pages end', async () => {
  const line = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
    .filter((text) => !/[\n\r]/.test(text) && text.trim() !== '');
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      fc.integer({ min: 500, max: 600 }),
      fc.constantFrom('\n', ''),
      async (lines, bytesPerPage, end) => {
        const blob = Buffer.from(lines.length === 0 ? '' : lines.join('\n') + end);
        expect(await allLines(blob, bytesPerPage)).toEqual(lines);
      },
    ),
  );
});

it('leaves out empty lines, and keeps lines that end with CR and LF', async () => {
  expect(await allLines(Buffer.from('{"a":1}\r\n\r\n{"b":2}\r\n'), 100)).toEqual(['{"a":1}\r', '{"b":2}\r']);
});

it('refuses a line that is longer than a page', async () => {
  await expect(readExportPage(folderOf(Buffer.alloc(30, 'x')), 30, 0, 20)).rejects.toThrow(
    'The line at byte 0 is longer',
  );
});

it('reads at most four megabytes at once', async () => {
  const reads: number[] = [];
  await readExportPage(folderOf(Buffer.from('{}\n'), reads), 5_000_000_000, 0);
  expect(reads).toEqual([4 * 1024 * 1024]);
});
