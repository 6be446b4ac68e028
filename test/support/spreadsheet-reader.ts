/**
 * Reads CSV as a spreadsheet program opens it. The rules are those of Excel, as far as Microsoft documents them, and of LibreOffice's import with its
 * default options, which `test/functions/api/spreadsheet.test.ts` compares with LibreOffice itself where it is installed:
 *
 * - A byte order mark says that the file is UTF-8. It is no part of the first cell.
 * - Cells and quotes follow RFC 4180. A quoted cell is no text for that: its type is guessed as well.
 * - A cell that begins with `=` is a formula. Of formulas, this reader evaluates only one text literal. Excel also takes `+`, `-` and `@` for a
 *   beginning (OWASP, CSV injection).
 * - A literal in a formula has at most 255 characters, and a cell 32,767 (Excel specifications and limits).
 * - What looks like a number, a date or a truth value becomes one.
 */

/** A cell as the spreadsheet shows it. */
export interface OpenedCell {
  readonly type: 'empty' | 'text' | 'number' | 'guessed' | 'formula';
  readonly value: string;
}

/** Opens a file. Throws when the file has no byte order mark, or a line end that is not CRLF. */
export function openCsv(file: string, separator: ',' | ';'): readonly (readonly OpenedCell[])[] {
  if (!file.startsWith('\ufeff')) throw new Error('The file has no byte order mark.');
  return linesOf(file.slice(1), separator).map((line) => line.map(opened));
}

function opened(cell: string): OpenedCell {
  if (cell === '') return { type: 'empty', value: '' };
  if (cell.length > 32_767) throw new Error('A cell is longer than 32,767 characters.');
  const literal = /^="((?:[^"]|"")*)"$/.exec(cell)?.[1];
  if (literal !== undefined && literal.length <= 255) return { type: 'text', value: literal.replaceAll('""', '"') };
  if (/^\d+([.,]\d+)?$/.test(cell)) return { type: 'number', value: cell };
  if (/^\s*[=+\-@＝＋－＠]/.test(cell)) return { type: 'formula', value: cell };
  if (looksTyped(cell)) return { type: 'guessed', value: cell };
  return { type: 'text', value: cell };
}

/** Whether a text could be a number, a date, a time or a truth value in some country. */
function looksTyped(cell: string): boolean {
  const text = cell.trim();
  if (/^(true|false|wahr|falsch|vrai|faux)$/i.test(text)) return true;
  if (/^[a-z]{3,9}[-. /]?\d{1,4}$/i.test(text)) return true;
  return text.length < 400 && /^[\d\s.,:/%$€()eE+-]*\d[\d\s.,:/%$€()eETZ+-]*$/.test(text);
}

function linesOf(text: string, separator: string): readonly (readonly string[])[] {
  const lines: string[][] = [];
  let line: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = '';
    if (text[at] === '"') {
      const end = /"(?:[^"]|"")*"/y;
      end.lastIndex = at;
      const [quoted] = end.exec(text) ?? [];
      if (quoted === undefined) throw new Error(`A quote is not closed: ${text.slice(at, at + 80)}`);
      cell = quoted.slice(1, -1).replaceAll('""', '"');
      at += quoted.length;
    }
    // What follows a closing quote belongs to the cell, as in Excel and in LibreOffice.
    while (at < text.length && text[at] !== separator && text[at] !== '\r' && text[at] !== '\n') cell += text[at++];
    line.push(cell);
    if (text[at] === separator) {
      at++;
      if (at === text.length || text[at] === '\r') line.push('');
    }
    if (text[at] === '\r' || text[at] === '\n') {
      if (text.slice(at, at + 2) !== '\r\n') throw new Error('A line does not end with CRLF.');
      at += 2;
      lines.push(line);
      line = [];
    }
  }
  return line.length === 0 ? lines : [...lines, line];
}
