/** Finds and creates HTML elements of the page. Text from twins becomes text nodes and is never parsed as HTML. */
import { printable } from './text.ts';

/** Anything that can be a child of an element. `undefined` and `false` add nothing. */
export type Child = Node | string | false | undefined | readonly Child[];

/** The attributes of an element. `undefined` and `false` leave an attribute out; `true` gives an attribute an empty value. */
export type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Finds the element with this id.
 *
 * @throws An `Error` that names the id, when the page has no element of this type with the id.
 */
export function find(id: string): HTMLElement;
export function find<E extends HTMLElement>(id: string, type: new () => E): E;
export function find(id: string, type: new () => HTMLElement = HTMLElement): HTMLElement {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} with the id "${id}".`);
  return element;
}

export function el<N extends keyof HTMLElementTagNameMap>(
  name: N,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[N] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(attribute, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (typeof child === 'string') element.append(printable(child));
    else if (child instanceof Node) element.append(child);
    else append(element, child);
  }
}

/** Replaces the children of an element. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/**
 * Replaces the children of an element. When a link or button in the element has the focus, the new one with the same text gets the focus.
 * When none has the same text, the one at the same index gets it. A `details` element stays open or closed.
 */
export function refill(element: Element, ...children: readonly Child[]): void {
  const reachable = () => [...element.querySelectorAll<HTMLElement>('a, button, summary, [tabindex]')];
  const focused = document.activeElement;
  const place = focused instanceof HTMLElement ? reachable().indexOf(focused) : -1;
  const text = focused?.textContent;
  const wereOpen = new Map([...element.querySelectorAll('details')].map((its) => [nameOf(its), its.open]));
  fill(element, ...children);
  for (const its of element.querySelectorAll('details')) its.open = wereOpen.get(nameOf(its)) ?? its.open;
  if (place < 0) return;
  const now = reachable();
  const again = now.find(({ textContent }) => textContent === text) ?? now[Math.min(place, now.length - 1)];
  again?.focus({ preventScroll: true });
}

/** The name by which {@link refill} finds a `details` element again. */
function nameOf(details: HTMLDetailsElement): string {
  return details.dataset.key ?? details.querySelector('summary')?.textContent ?? '';
}

/** A `bdi` element with text from a twin or a policy. The writing direction of this text does not affect the text around it. */
export function foreign(value: string, longest?: number): HTMLElement {
  return el('bdi', {}, printable(value, longest));
}
