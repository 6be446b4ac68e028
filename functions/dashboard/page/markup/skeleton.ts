/** Grey bars in the place of content that is being loaded, as high as the content will be, so that nothing moves when it comes. */
import { el } from './elements.ts';

/** Bars for a list with this many lines. */
export function skeletonLines(lines: number): HTMLElement {
  const bars = Array.from({ length: lines }, () => el('span', { class: 'bone' }));
  return el('div', { class: 'skeleton loading' }, bars, el('span', { class: 'hidden' }, 'Loading…'));
}

/** Bars for a tile: its label, its number and its note. */
export function skeletonTile(): HTMLElement {
  return el(
    'div',
    { class: 'tile loading' },
    el('div', { class: 'tile-label' }, el('span', { class: 'bone short' })),
    el('div', { class: 'tile-value' }, el('span', { class: 'bone large' })),
    el('div', { class: 'tile-note' }, el('span', { class: 'bone' })),
    el('span', { class: 'hidden' }, 'Loading…'),
  );
}
