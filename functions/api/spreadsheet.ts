import { escapeHidden, unicodeEscapes } from './escape-hidden.ts';

/*
 * CSV that a spreadsheet program opens right. A spreadsheet guesses the type of each cell, and quotes do not stop it: "00012" becomes 12, and
 * "=1+1" becomes 2. The rules here:
 *
 * - UTF-8 with a byte order mark, without which Excel reads the code page of the machine. Line ends are CRLF (RFC 4180, section 2.1).
 * - A text is the formula `="text"`, with each quote doubled for the formula and then again for CSV (RFC 4180, section 2.7). Excel and
 *   LibreOffice evaluate it to exactly this text, and nothing in it is a number, a date or a formula of its own. A formula cannot hold a literal of
 *   more than 255 characters (Excel's limits), so a longer text is written as it is, after an apostrophe if it could begin a formula or a number.
 * - A cell has at most 32,767 characters (Excel's limits). Excel moves the rest into the next row.
 * - A time is ISO 8601 as text, and a second column has its serial number: days since 30 December 1899, UTC.
 * - Excel splits lines at the list separator of the country: a file for the other separator then breaks within texts. So no text has a separator
 *   with the beginning of a formula after it (OWASP, CSV injection: separators and quotes).
 */

/** The character between two cells. `semicolon` is for countries that write numbers with a decimal comma. */
export const listSeparators = ['comma', 'semicolon'] as const;
export type ListSeparator = (typeof listSeparators)[number];

/** A column of CSV. `json` is text in the form of JSON. `word` is a word of a fixed list that no spreadsheet takes for something else. */
export interface CsvColumn {
  readonly name: string;
  readonly type: 'text' | 'json' | 'word' | 'time' | 'number';
}

export type CsvCell = string | number;

/** Largest number of characters of a text literal in a formula. */
const longestLiteral = 255;
/** Largest number of characters of a cell. */
const longestCell = 32_767;
/** Largest number of lines of a sheet, with the line of column names. */
export const mostLines = 1_048_576;
/** Serial number of 1 January 1970. */
const serialOf1970 = 25_569;

/** The first line of a file, with the byte order mark. Each time column is followed by the column of its serial number. */
export function spreadsheetHead(columns: readonly CsvColumn[], separator: ListSeparator): string {
  const names = columns.flatMap(({ name, type }) => (type === 'time' ? [name, `${name}Serial`] : [name]));
  return `\ufeff${toLine(names, separator)}`;
}

/** One line of a file, with its line end. `cells` are in the order of the columns. An empty cell is `''`. */
export function spreadsheetLine(
  columns: readonly CsvColumn[],
  cells: readonly CsvCell[],
  separator: ListSeparator,
): string {
  const fields = columns.flatMap(({ type }, index): readonly string[] => {
    const cell = cells[index] ?? '';
    if (type === 'time') return [textField(String(cell), type, separator), serialField(String(cell), separator)];
    if (type === 'number' && typeof cell === 'number') return [numberField(cell, separator)];
    return [textField(String(cell), type, separator)];
  });
  return toLine(fields, separator);
}

function toLine(fields: readonly string[], separator: ListSeparator): string {
  const quoted = fields.map((field) => (/[",;\r\n\t]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field));
  return `${quoted.join(separator === 'comma' ? ',' : ';')}\r\n`;
}

function textField(text: string, type: CsvColumn['type'], separator: ListSeparator): string {
  if (text === '' || (type === 'word' && /^[a-zA-Z]+$/.test(text))) return text;
  const safe = type === 'json' ? safeStrings(text) : withoutOtherSeparator(escapeHidden(text), separator);
  const literal = safe.replaceAll('"', '""');
  if (literal.length <= longestLiteral) return `="${literal}"`;
  // A text of this length that begins with a letter or as JSON does is no number, no date and no formula.
  return shortened(/^[\p{L}{["]/u.test(safe) ? safe : `'${safe}`);
}

function shortened(text: string): string {
  if (text.length <= longestCell) return text;
  const note = `… (cut: ${text.length} characters)`;
  return `${text.slice(0, longestCell - note.length)}${note}`;
}

/** Puts an apostrophe before the beginning of a formula that follows a separator which is not the file's own. */
function withoutOtherSeparator(text: string, separator: ListSeparator): string {
  const other = separator === 'comma' ? /(;[\s"]*)(?=[=+\-@＝＋－＠])/g : /(,[\s"]*)(?=[=+\-@＝＋－＠])/g;
  return text.replace(other, "$1'");
}

/** Escapes, in the strings of a JSON text, hidden characters and the beginnings of formulas. The result is JSON with the same value. */
function safeStrings(json: string): string {
  return escapeHidden(json).replace(/"(?:[^"\\]|\\.)*"/g, (string) =>
    string.replace(/(^"|[,;])(\s*)([=+\-@＝＋－＠])/g, (_, before: string, blanks: string, start: string) => {
      return `${before}${blanks}${unicodeEscapes(start)}`;
    }),
  );
}

/** The serial number of a time to the millisecond. `''` for a text that is no time. */
function serialField(time: string, separator: ListSeparator): string {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? '' : numberField(serialOf1970 + milliseconds / 86_400_000, separator);
}

function numberField(number: number, separator: ListSeparator): string {
  // Nine decimals of a day are less than a millisecond. Without an exponent, because of which the text would depend on the country.
  const text = Number.isInteger(number) ? String(number) : number.toFixed(9).replace(/\.?0+$/, '');
  return separator === 'comma' ? text : text.replace('.', ',');
}
