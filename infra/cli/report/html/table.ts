import { html, type Markup } from './markup.ts';

/** A column of a table. `number` columns are aligned to the right. A `word` column has short texts, which are not broken. */
export interface Column {
  readonly title: string;
  readonly type?: 'number' | 'word' | 'head';
  /** Share of the width in percent, in steps of 5 to 50. */
  readonly width?: number;
}

/**
 * A table with a caption and column heads. Wide tables scroll on a narrow screen, and the keyboard can scroll them too. A cell of a `head` column is
 * the head of its row.
 */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Markup | string | number)[])[],
): Markup {
  const cell = (content: Markup | string | number, index: number) => {
    const type = columns[index]?.type;
    if (type === 'head') return html`<th scope="row">${content}</th>`;
    return type === undefined ? html`<td>${content}</td>` : html`<td class="${type}">${content}</td>`;
  };
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<caption>${caption}</caption>
${
  columns.some(({ width }) => width !== undefined)
    ? html`<colgroup>${columns.map(({ width }) => html`<col${width === undefined ? '' : html` class="w${width}"`}>`)}</colgroup>
`
    : ''
}<thead><tr>${columns.map(({ title, type }) => html`<th scope="col"${type === 'number' ? html` class="number"` : ''}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => html`<tr>${cells.map(cell)}</tr>\n`)}</tbody>
</table>
</div>`;
}

/** Facts as pairs of a name and a value. */
export function facts(pairs: readonly (readonly [string, Markup | string | number])[]): Markup {
  return html`<dl>${pairs.map(([name, content]) => html`<div><dt>${name}</dt><dd>${content}</dd></div>`)}</dl>`;
}
