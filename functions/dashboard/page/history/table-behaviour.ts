/** The behaviour of the history table with a mouse, a keyboard and a screen reader. */
import { el, skeletonLines } from '../markup/index.ts';

/**
 * Sets the ARIA roles of the table. On a phone, CSS shows each row as a card, and some browsers then no longer treat the element as a
 * table.
 */
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

/** Opens the details of a history row when the user clicks anywhere in its line. Nothing opens when the user selects text. */
export function openOnClick(body: HTMLElement): void {
  body.addEventListener('click', ({ target }) => {
    if (!(target instanceof Element) || target.closest('a') !== null || String(getSelection()) !== '') return;
    target.closest('tr')?.querySelector<HTMLAnchorElement>('a.row-link')?.click();
  });
}

/** Lets the arrow keys up and down move the focus to the link in the same column of the next line. */
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

/** A table line with one sentence. It is shown when the table has no rows. */
export function messageLine(text: string, className: string): HTMLElement {
  return el('tr', { role: 'row' }, el('td', { role: 'cell', colspan: '8', class: className }, text));
}

/** A table line with grey bars. It is shown while the first rows are read. */
export function skeletonLine(): HTMLElement {
  return el('tr', { role: 'row' }, el('td', { role: 'cell', colspan: '8', class: 'empty' }, skeletonLines(12)));
}
