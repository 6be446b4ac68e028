/** Moves between views without loading the page again. */

import { type Attributes, type Child, el, type RowKey } from '../markup/index.ts';
import { type Changes, href, type View, view } from './address.ts';

export const noPanel: Changes = { view: undefined, of: undefined, row: undefined };

export function toDevice(deviceId: string): Changes {
  return { view: 'device', of: deviceId, row: undefined };
}

export function toRow({ deviceId, rowKey }: RowKey): Changes {
  return { view: 'row', of: deviceId, row: rowKey };
}

const changesOfLinks = new WeakMap<Element, Changes>();

/** A link that changes the address as it is when somebody follows the link. */
export function link(changes: Changes, attributes: Attributes, ...children: readonly Child[]): HTMLAnchorElement {
  const element = el('a', { ...attributes, href: href(changes) }, ...children);
  changesOfLinks.set(element, changes);
  return element;
}

const listeners: ((view: View) => void)[] = [];

/** Calls back whenever the address has changed, by the page or by Back and Forward. */
export function onView(listener: (view: View) => void): void {
  listeners.push(listener);
}

/** Goes to another view. */
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

// A click with a modifier key opens another tab, as the browser does it.
addEventListener('click', (event) => {
  const element = event.target instanceof Element ? event.target.closest('a') : null;
  const changes = element === null ? undefined : changesOfLinks.get(element);
  if (changes === undefined || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(changes);
});
