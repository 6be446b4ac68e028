import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftSpreadsheetHead, driftSpreadsheetLines } from '../../../functions/api/drift-csv.ts';
import { type CsvColumn, spreadsheetHead, spreadsheetLine } from '../../../functions/api/spreadsheet.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { openCsv } from '../../support/spreadsheet-reader.ts';

const text: readonly CsvColumn[] = [
  { name: 'first', type: 'text' },
  { name: 'second', type: 'text' },
];
const separators = [
  ['comma', ','],
  ['semicolon', ';'],
] as const;

/** Texts that spreadsheets are known to take for something else, and formulas of attackers. */
const traps = [
  '00012',
  '1E5',
  '=cmd()',
  "=cmd|' /C calc'!A0",
  '+1',
  '-V1',
  '@SUM(A1)',
  'TRUE',
  'MAR1',
  '1-2',
  '3/4',
  '2026-11-22',
  '12345678901234567890',
  '1,5',
  ' 7',
  '"',
  'a""b',
  '="x"',
  "'0",
  '\t=1+1',
  'two\r\n=lines',
  '＝1+1',
  'Gerät №5 😀',
] as const;
const anyText = fc.oneof(
  fc.constantFrom(...traps),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(fc.constantFrom(...traps, ',', ';', '"', ' ', '=', 'x'.repeat(260)), { maxLength: 8 })
    .map((parts) => parts.join('')),
);

function file(lines: readonly (readonly [string, string])[], separator: 'comma' | 'semicolon' = 'comma') {
  return spreadsheetHead(text, separator) + lines.map((line) => spreadsheetLine(text, line, separator)).join('');
}

describe('CSV for spreadsheets', () => {
  it.each(traps.filter((trap) => !/[\t\r]/.test(trap)))('keeps the text %j', (trap) => {
    expect(openCsv(file([[trap, 'x']]), ',')[1]).toEqual([
      { type: 'text', value: trap },
      { type: 'text', value: 'x' },
    ]);
  });

  it('makes text of every text, in two cells, whatever is in it', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.constantFrom(...separators), (first, second, [name, character]) => {
        const lines = openCsv(file([[first, second]], name), character);
        expect(lines).toHaveLength(2);
        expect(lines[1]).toHaveLength(2);
        for (const { type } of lines[1] ?? []) expect(['text', 'empty']).toContain(type);
      }),
    );
  });

  it('has no formula but the texts themselves when the program splits at the other separator', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.constantFrom(...separators), (first, second, [name]) => {
        const columns = [...text, { name: 'third', type: 'json' }] as const;
        const line = spreadsheetLine(columns, [`x${first}`, `x${second}`, JSON.stringify([first, second])], name);
        const csv = spreadsheetHead(columns, name) + line;
        const cells = openCsv(csv, name === 'comma' ? ';' : ',')[1] ?? [];
        // The first cell of the line begins with the formula of the first text. It cannot be helped, and holds no formula of its own.
        for (const { type, value } of cells.slice(1)) expect([type, value]).not.toEqual(['formula', value]);
      }),
    );
  });

  it('writes a value as JSON with the same value, without the beginning of a formula', () => {
    const json: readonly CsvColumn[] = [{ name: 'value', type: 'json' }];
    fc.assert(
      fc.property(fc.oneof(anyText, fc.array(anyText, { maxLength: 5 }), fc.integer(), fc.boolean()), (value) => {
        const csv = spreadsheetHead(json, 'comma') + spreadsheetLine(json, [JSON.stringify(value)], 'comma');
        const [cell] = openCsv(csv, ',')[1] ?? [];
        expect(cell?.type).toBe('text');
        expect(JSON.parse(cell?.value ?? '')).toEqual(value);
        expect(cell?.value).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });

  it('gives a time as ISO 8601 and as the number of the spreadsheet, with the decimal sign of the country', () => {
    const columns: readonly CsvColumn[] = [
      { name: 'at', type: 'time' },
      { name: 'count', type: 'number' },
    ];
    for (const [name, character, decimal] of [
      ['comma', ',', '.'],
      ['semicolon', ';', ','],
    ] as const) {
      const lines = ['2026-11-22T06:00:00.000Z', '1970-01-01T00:00:00Z', 'never', ''].map((at) =>
        spreadsheetLine(columns, [at, 3], name),
      );
      const opened = openCsv(spreadsheetHead(columns, name) + lines.join(''), character);
      expect(opened.map((line) => line.map(({ value }) => value))).toEqual([
        ['at', 'atSerial', 'count'],
        ['2026-11-22T06:00:00.000Z', `46348${decimal}25`, '3'],
        ['1970-01-01T00:00:00Z', '25569', '3'],
        ['never', '', '3'],
        ['', '', '3'],
      ]);
    }
  });

  it('cuts a text that is longer than a cell, and says how long it was', () => {
    const [cell] = openCsv(file([[`x${'y'.repeat(40_000)}`, '']]), ',')[1] ?? [];
    expect(cell?.value).toHaveLength(32_767);
    expect(cell?.value).toMatch(/y… \(cut: 40001 characters\)$/);
  });

  it('writes every column of the history', () => {
    const row = driftRow('00012', '2026-11-22T06:00:00.000Z', { actual: '=1+1', error: '=cmd()', twinVersion: 7 });
    const [head = [], line = []] = openCsv(driftSpreadsheetHead('comma') + driftSpreadsheetLines([row], 'comma'), ',');
    const cells = Object.fromEntries(head.map(({ value }, index) => [value, line[index]]));
    expect(cells).toMatchObject({
      detectedAt: { type: 'text', value: '2026-11-22T06:00:00.000Z' },
      detectedAtSerial: { type: 'number', value: '46348.25' },
      deviceId: { type: 'text', value: '00012' },
      expected: { type: 'text', value: '1' },
      actual: { type: 'text', value: String.raw`"\u003d1+1"` },
      error: { type: 'text', value: '=cmd()' },
      outcome: { type: 'text', value: 'enforced' },
      twinVersion: { type: 'number', value: '7' },
      closedAtSerial: { type: 'empty' },
    });
    expect(line).toHaveLength(head.length);
  });
});

const soffice = ['/usr/bin/soffice', '/usr/bin/libreoffice'].find((path) => existsSync(path));

describe.skipIf(soffice === undefined)('CSV for spreadsheets, opened by LibreOffice', () => {
  it.each(separators)(
    'has the same cells as in the reader of these tests, with the separator %s',
    async (name, character) => {
      const csv = file(
        traps.map((trap) => [trap, `${trap};=1+1`]),
        name,
      );
      const cells = await openInLibreOffice(csv, character.charCodeAt(0));
      expect(cells).toEqual(openCsv(csv, character).map((line) => line.map(({ value }) => value)));
    },
  );

  it('does take other CSV for numbers and formulas, so this test can fail', async () => {
    expect(await openInLibreOffice('\ufeff"00012","=1+1"\r\n', 44)).toEqual([['12', '2']]);
  });
});

/** Opens CSV in LibreOffice, and returns the text of each cell. `separator` is the code of the character. */
async function openInLibreOffice(csv: string, separator: number): Promise<readonly (readonly string[])[]> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-csv-'));
  try {
    await writeFile(join(folder, 'drift.csv'), csv);
    // Without a profile of its own, LibreOffice would hand the file to a running one. 76 is UTF-8.
    const profile = `-env:UserInstallation=${pathToFileURL(join(folder, 'profile'))}`;
    await promisify(execFile)(soffice ?? '', [
      ...['--headless', profile, `--infilter=CSV:${separator},34,76,1,,1033,false,true`],
      ...['--convert-to', 'fods', '--outdir', folder, join(folder, 'drift.csv')],
    ]);
    const sheet = await readFile(join(folder, 'drift.fods'), 'utf8');
    const table = sheet.slice(sheet.indexOf('<table:table '));
    const lines = [...table.matchAll(/<table:table-row.*?<\/table:table-row>/gs)].map(([line]) =>
      [...line.matchAll(/<table:table-cell[^>]*?(?:\/>|>(.*?)<\/table:table-cell>)/gs)].map(([, content = '']) =>
        plain(content),
      ),
    );
    // The sheet ends with empty rows.
    return lines.filter((line) => line.some((cell) => cell !== ''));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The text of a cell, without the white space around its paragraphs. */
function plain(xml: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return [...xml.matchAll(/<text:p>(.*?)<\/text:p>/gs)]
    .map(([, paragraph = '']) =>
      paragraph
        .replace(/<text:s(?: text:c="(\d+)")?\/>/g, (_, count = '1') => ' '.repeat(Number(count)))
        .replace(/<[^>]+>/g, '')
        .replace(/&(\w+);/g, (_, name: string) => named[name] ?? ''),
    )
    .join('\n');
}
