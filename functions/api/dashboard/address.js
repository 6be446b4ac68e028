/** What is looked at is in the page's address, so that a view can be shared and Back works. */
import { el } from './text.js';

const code = 'code';
const rowFilters = ['deviceId', 'policy', 'kind', 'outcome', 'path'];
const known = [...rowFilters, 'range', 'from', 'to', 'by', 'view', 'of', 'row'];

const ranges = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
  '90d': 90 * 86_400_000,
};

const hour = 3_600_000;
/** What a date can be in a question and in an input. */
const lastYear = Date.UTC(9000, 0);

/** The key that the page was opened with. */
export function key() {
  return new URLSearchParams(location.search).get(code) ?? '';
}

/** What the address says, and what it does not say as it is by default. Nonsense in it counts as not said. */
export function view() {
  const given = new URLSearchParams(location.search);
  const said = Object.fromEntries(known.flatMap((name) => (given.get(name) ? [[name, given.get(name)]] : [])));
  const [from, to] = [timeOf(said.from), timeOf(said.to)];
  const isCustom = from < to;
  return {
    filters: Object.fromEntries(rowFilters.flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]]]))),
    range: isCustom ? 'custom' : Object.hasOwn(ranges, said.range ?? '') ? said.range : '24h',
    ...(isCustom ? { from: new Date(from).toISOString(), to: new Date(to).toISOString() } : {}),
    by: ['policy', 'kind', 'outcome'].includes(said.by) ? said.by : 'policy',
    details: detailsOf(said),
  };
}

/** A time of the address in ms, `NaN` where it is none. */
function timeOf(text = '') {
  // In a query, `+` stands for a space.
  const at = Date.parse(text.replace(/ (?=\d\d:\d\d$)/, '+'));
  return at >= 0 && at < lastYear ? at : Number.NaN;
}

function detailsOf({ view: what, of, row }) {
  if (what === 'device' && of !== undefined) return { type: 'device', deviceId: of };
  if (what === 'row' && of !== undefined && row !== undefined) return { type: 'row', deviceId: of, rowKey: row };
  return undefined;
}

/** The time that a view is about, as ISO 8601; what has no end of its own ends now. */
export function times({ range, from, to }, now) {
  if (range === 'custom') return { from, to };
  return { from: new Date(now - ranges[range]).toISOString(), to: new Date(now).toISOString() };
}

/** The same in whole hours, by which the API counts: from the beginning of the first to the end of the last, or to now. */
export function countedTimes(its, now) {
  const { from, to } = times(its, now);
  const begin = Math.floor(Date.parse(from) / hour) * hour;
  const end = its.range === 'custom' ? Math.ceil(Date.parse(to) / hour) * hour : Date.parse(to);
  return { from: new Date(begin).toISOString(), to: new Date(end).toISOString() };
}

/** The address with some of it changed; what is empty or undefined is left out. */
export function href(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  return `?${query}`;
}

export const noDetails = { view: undefined, of: undefined, row: undefined };

export function toDevice(deviceId) {
  return { view: 'device', of: deviceId, row: undefined };
}

export function toRow({ deviceId, rowKey }) {
  return { view: 'row', of: deviceId, row: rowKey };
}

const changesOf = new WeakMap();

/** A link to the view that has these changes, whatever the address is by the time that somebody follows it. */
export function link(changes, attributes, ...children) {
  const element = el('a', { ...attributes, href: href(changes) }, ...children);
  changesOf.set(element, changes);
  return element;
}

const listeners = [];

/** Calls back whenever the address has changed, by us or by Back and Forward. */
export function onView(listener) {
  listeners.push(listener);
}

/** Goes to another view of this page. */
export function go(changes, { replace = false } = {}) {
  const to = href(changes);
  if (to === location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  changed();
}

function changed() {
  for (const element of document.querySelectorAll('a')) {
    const changes = changesOf.get(element);
    if (changes !== undefined) element.setAttribute('href', href(changes));
  }
  for (const listener of listeners) listener(view());
}

addEventListener('popstate', changed);

// Links of the page are followed within it, unless somebody wants another tab.
addEventListener('click', (event) => {
  const element = event.target instanceof Element ? event.target.closest('a') : null;
  const changes = element === null ? undefined : changesOf.get(element);
  if (changes === undefined || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(changes);
});
