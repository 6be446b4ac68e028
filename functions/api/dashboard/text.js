/** Everything that is shown goes through here: what came from twins is text, never markup. */

const hiddenCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;

/**
 * Text with all that a browser would obey or hide (control characters, marks that turn the direction of writing, zero-width ones) written
 * as escapes, cut to so many characters.
 */
export function printable(value, longest = 4200) {
  const text = String(value);
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return cut.replace(hiddenCharacters, (character) =>
    character === '\n' ? character : `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

/** An element. Attributes that are undefined or false are left out; children that are no nodes become text. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(attribute, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Number.POSITIVE_INFINITY)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : printable(child));
  }
}

/** Puts these in the place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** The same for what is shown anew while somebody may be at it: what has the focus keeps it, as far as it is still there. */
export function refill(element, ...children) {
  const reachable = () => [...element.querySelectorAll('a, button, summary, [tabindex]')];
  const place = reachable().indexOf(document.activeElement);
  const said = document.activeElement?.textContent;
  fill(element, ...children);
  if (place < 0) return;
  const now = reachable();
  const again = now.find(({ textContent }) => textContent === said) ?? now[Math.min(place, now.length - 1)];
  again?.focus({ preventScroll: true });
}

/** What came from outside, kept apart from the direction of what is around it. */
export function foreign(value, longest) {
  return el('bdi', {}, printable(value, longest));
}

/** A JSON value on one line, or spread out. */
export function json(value, spread = false) {
  return value === undefined ? '(none)' : JSON.stringify(value, undefined, spread ? 2 : undefined);
}

const wholeNumber = new Intl.NumberFormat();

export function count(value) {
  return wholeNumber.format(value);
}

/** `1 departure`, `2 departures`. */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A share as a percentage that says 100 only where it is all. */
export function percent(part, whole) {
  if (whole === 0) return '–';
  const share = Math.floor((1000 * part) / whole) / 10;
  return `${share.toFixed(share === 100 ? 0 : 1)} %`;
}

/** Milliseconds as a person would say them. */
export function duration(milliseconds) {
  if (milliseconds === undefined || !Number.isFinite(milliseconds)) return '–';
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  const hours = seconds / 3600;
  return hours < 48
    ? `${Math.floor(hours)} h ${Math.floor((seconds / 60) % 60)} min`
    : `${Math.floor(hours / 24)} days`;
}

const minutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** A time as `12:34:56`, with the day where that is not today's. */
export function time(iso, now = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return el('span', {}, iso);
  const isToday = at.toDateString() === now.toDateString();
  const text = isToday ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
  return el('time', { datetime: at.toISOString(), title: at.toISOString() }, text);
}

/** The day of a time, as `Nov 22`. */
export function dayOf(at) {
  return day.format(at);
}

/** The hour and minute of a time, as `09:03`. */
export function clockOf(at) {
  return minutes.format(at);
}

/** A time as `09:03`, with the day where that is not the day of `than`. */
export function moment(at, than = Date.now()) {
  return dayOf(at) === dayOf(than) ? clockOf(at) : `${dayOf(at)} ${clockOf(at)}`;
}

/** What lies between two times, as `08:00 to 09:06`, with days where it is not all of today. */
export function span(from, to) {
  const isOneDay = dayOf(from) === dayOf(to);
  return isOneDay
    ? `${moment(from)} to ${clockOf(to)}`
    : `${dayOf(from)} ${clockOf(from)} to ${dayOf(to)} ${clockOf(to)}`;
}

/** A word of ours such as `wrongValue` in plain words. */
export function words(name) {
  return Object.hasOwn(plainWords, name) ? plainWords[name] : String(name);
}

const plainWords = {
  missingModule: 'missing module',
  missingProperty: 'missing property',
  wrongValue: 'wrong value',
  forbiddenProperty: 'forbidden property',
  notReported: 'not taken by the agent',
  custom: 'custom finding',
  policyError: 'policy error',
  heldBack: 'held back',
};

/** A path without a section's long name. */
export function shortPath(path) {
  return path.replace(/^[^.]{24,}\./, '…');
}

/** What a row is about, in one word or its path. */
export function subject(row) {
  return row.path === '' ? (row.kind === 'missingModule' ? 'the module' : words(row.kind)) : row.path;
}

/** An outcome with a mark that says how good it is, by colour and by shape. */
export function badge(outcome) {
  return el(
    'span',
    { class: `badge ${Object.hasOwn(outcomeGrades, outcome) ? outcomeGrades[outcome] : 'plain'}` },
    words(outcome),
  );
}

const outcomeGrades = {
  created: 'good',
  enforced: 'good',
  healed: 'good',
  audited: 'plain',
  gone: 'plain',
  pending: 'busy',
  deferred: 'busy',
  heldBack: 'warn',
  contested: 'warn',
  failed: 'bad',
};

/** Milliseconds from the change, or where no event told of it from its detection, to its end; undefined while it is not over. */
export function took(row) {
  const isOver = ['created', 'enforced', 'healed', 'gone'].includes(row.outcome);
  const end = row.closedAt ?? (isOver ? row.outcomeAt : undefined);
  if (end === undefined) return undefined;
  return Math.max(0, Date.parse(end) - Date.parse(row.operationTimestamp ?? row.detectedAt));
}

/** Names a row among all rows. */
export function keyOf(row) {
  return `${row.deviceId}\n${row.rowKey}`;
}
