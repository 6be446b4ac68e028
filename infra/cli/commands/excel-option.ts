import { Option } from 'commander';
import { listSeparators, mostLines } from '../../../functions/api/spreadsheet.ts';

/** The option `--excel`. `effect` begins its description. */
export function excelOption(effect: string): Option {
  return new Option(
    '--excel [separator]',
    `${effect} CSV that Excel and LibreOffice open right: ids stay text, and times have a second column with the number of the spreadsheet. ` +
      '"semicolon" is for countries that write a decimal comma.',
  )
    .choices(listSeparators)
    .preset('comma');
}

/** Says on standard error when a file has more rows than a sheet. */
export function warnOfLines(rows: number): void {
  if (rows < mostLines) return;
  process.stderr.write(
    `These are ${rows.toLocaleString('en-US')} rows, and a sheet shows only ${mostLines.toLocaleString('en-US')} lines: choose a shorter time.\n`,
  );
}
