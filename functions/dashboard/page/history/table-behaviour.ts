/** How the table of the history is used: by mouse, by keyboard and by screen readers. */
import { el } from '../markup/index.ts';

/** Sets the roles of a table. On a phone each row is a card, and some browsers then forget that the element is a table. */
export function makeAccessible(body: HTMLTableSectionElement): void {
  const table = body.closest('table');
  const head = table?.tHead;
  table?.setAttribute('role', 'table');
  for (const group of [head, body]) group?.setAttribute('role', 'rowgroup');
  for (const row of head?.rows ?? []) {
    row.setAttribute('role', 'row');
    for (const cell of row.cells) cell.setAttribute('role', 'columnheader');
  }
}

/** A click anywhere in a line opens its row. Selecting text does not. */
export function openOnClick(body: HTMLElement): void {
  body.addEventListener('click', ({ target }) => {
    if (!(target instanceof Element) || target.closest('a') !== null || String(getSelection()) !== '') return;
    target.closest('tr')?.querySelector<HTMLAnchorElement>('a.row-link')?.click();
  });
}

/** The arrow keys move the focus between the links of a column. */
export function moveWithArrows(body: HTMLElement): void {
  body.addEventListener('keydown', (event) => {
    if (!(event.target instanceof Element) || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return;
    const from = event.target.closest('a');
    const line = from?.closest('tr');
    const next = event.key === 'ArrowDown' ? line?.nextElementSibling : line?.previousElementSibling;
    const column = from?.matches('.row-link') ? 'a.row-link' : 'a:not(.row-link)';
    const target = next?.querySelector<HTMLAnchorElement>(column);
    if (target === null || target === undefined) return;
    event.preventDefault();
    target.focus();
  });
}

/** A line with one sentence in place of rows. */
export function messageLine(text: string, className: string): HTMLElement {
  return el('tr', { role: 'row' }, el('td', { role: 'cell', colspan: '8', class: className }, text));
}
