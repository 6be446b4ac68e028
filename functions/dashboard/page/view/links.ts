/** Changes the view in the page's address without loading the page again. */

import { type Attributes, type Child, el, type RowKey } from '../markup/index.ts';
import { type Changes, href, type View, view } from './address.ts';

export const noPanel: Changes = { view: undefined, of: undefined, row: undefined, tag: undefined };

export function toDevice(deviceId: string): Changes {
  return { ...noPanel, view: 'device', of: deviceId };
}

export function toRow({ deviceId, rowKey }: RowKey): Changes {
  return { ...noPanel, view: 'row', of: deviceId, row: rowKey };
}

/** Opens the search for devices, with a part of an id and a tag such as `site:north`. */
export function toFinder(part: string, tag: string): Changes {
  return { ...noPanel, view: 'find', of: part, tag };
}

const changesOfLinks = new WeakMap<Element, Changes>();

/** A link to another view. The link applies `changes` to the address that is current when the user clicks, not when the link was made. */
export function link(changes: Changes, attributes: Attributes, ...children: readonly Child[]): HTMLAnchorElement {
  const element = el('a', { ...attributes, href: href(changes) }, ...children);
  changesOfLinks.set(element, changes);
  return element;
}

const listeners: ((view: View) => void)[] = [];

/** Calls the listener after each change of the address, by the page itself or by the browser's Back and Forward buttons. */
export function onView(listener: (view: View) => void): void {
  listeners.push(listener);
}

/** Changes the view in the page's address and adds an entry to the browser's history. */
export function go(changes: Changes): void {
  const to = href(changes);
  if (to === location.search) return;
  history.pushState(null, '', to);
  showView();
}

function showView(): void {
  for (const element of document.querySelectorAll('a')) {
    const changes = changesOfLinks.get(element);
    if (changes !== undefined) element.setAttribute('href', href(changes));
  }
  for (const listener of listeners) listener(view());
}

addEventListener('popstate', showView);

// The page handles only plain clicks. A click with a modifier key is left to the browser, which opens another tab, for example.
addEventListener('click', (event) => {
  const element = event.target instanceof Element ? event.target.closest('a') : null;
  const changes = element === null ? undefined : changesOfLinks.get(element);
  if (changes === undefined || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(changes);
});
