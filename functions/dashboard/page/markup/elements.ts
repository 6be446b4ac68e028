/** Finds and builds the page's elements. Text from twins becomes text nodes, never markup. */
import { printable } from './text.ts';

/** What an element can hold. `undefined` and `false` add nothing. */
export type Child = Node | string | false | undefined | readonly Child[];

/** Attributes that are `undefined` or `false` are left out; `true` gives an empty attribute. */
export type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/** @throws An `Error` that names the id, where the page has no element of this type with it. */
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

/** Replaces the content of an element. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Replaces the content of an element and keeps the focus in it: on the same link, or on the one in the same place. */
export function refill(element: Element, ...children: readonly Child[]): void {
  const reachable = () => [...element.querySelectorAll<HTMLElement>('a, button, summary, [tabindex]')];
  const focused = document.activeElement;
  const place = focused instanceof HTMLElement ? reachable().indexOf(focused) : -1;
  const text = focused?.textContent;
  fill(element, ...children);
  if (place < 0) return;
  const now = reachable();
  const again = now.find(({ textContent }) => textContent === text) ?? now[Math.min(place, now.length - 1)];
  again?.focus({ preventScroll: true });
}

/** Text from outside, kept apart from the writing direction of the text around it. */
export function foreign(value: string, longest?: number): HTMLElement {
  return el('bdi', {}, printable(value, longest));
}
