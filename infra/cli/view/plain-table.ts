import Table from 'cli-table3';

/**
 * Renders a table without borders and with two spaces between columns. If `widths` is given, each cell is cut to the width of its column in
 * characters. Otherwise no cell is cut.
 */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths?: readonly number[],
): string {
  const none = ['top', 'bottom', 'left', 'mid', 'right'].flatMap((side) => [side, `${side}-mid`, `${side}-left`]);
  const chars = Object.fromEntries([...none, 'top-right', 'bottom-right'].map((name) => [name, '']));
  const made = new Table({
    chars: { ...chars, 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    head: [...head],
    ...(widths === undefined ? {} : { colWidths: [...widths], wordWrap: false }),
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString().replace(/ +$/gm, '');
}
