/** The lines of the list, newest first, each kept as long as its row is there so that nobody loses their place. */
import { go, link, toDevice, toRow } from './address.js';
import {
  badge,
  counted,
  duration,
  el,
  fill,
  foreign,
  json,
  keyOf,
  printable,
  shortPath,
  subject,
  time,
  took,
  words,
} from './text.js';

const find = (id) => document.getElementById(id);

/** More lines than this are not kept: who wants them all exports them. */
export const mostLines = 2000;

/** Between two announcements, in milliseconds: who listens shall be able to do something else. */
const quiet = 8_000;

export function createRows() {
  const body = find('rows');
  let lines = new Map();
  let sorted = [];
  let announcedAt = 0;
  let unannounced = [];
  // On a phone each row is a card; browsers that no longer see a table then are told that it still is one.
  const table = body.closest('table');
  const roles = {
    table: [table],
    rowgroup: [table.tHead, body],
    row: table.tHead.rows,
    columnheader: table.tHead.rows[0].cells,
  };
  for (const [role, elements] of Object.entries(roles))
    for (const element of elements) element.setAttribute('role', role);

  body.addEventListener('click', (event) => {
    const line = event.target.closest('tr');
    if (line === null || event.target.closest('a') !== null || String(getSelection()) !== '') return;
    line.querySelector('a.row-link')?.click();
  });
  body.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
    const from = event.target.closest('a');
    if (step === undefined || from === null) return;
    const target = from
      .closest('tr')
      [step]?.querySelector(from.matches('.row-link') ? 'a.row-link' : 'a:not(.row-link)');
    if (!target) return;
    event.preventDefault();
    target.focus();
  });

  function announce() {
    const [newest] = unannounced;
    if (newest === undefined || Date.now() - announcedAt < quiet) return;
    announcedAt = Date.now();
    const what = `${words(newest.kind)} on ${printable(newest.deviceId, 128)}, ${words(newest.outcome)}`;
    fill(find('announce'), `${counted(unannounced.length, 'new departure')}. Newest: ${what}.`);
    unannounced = [];
  }

  return {
    /** Forgets all lines: another question is asked. */
    reset() {
      lines = new Map();
      sorted = [];
      unannounced = [];
      body.replaceChildren(
        el('tr', { role: 'row' }, el('td', { role: 'cell', colspan: '8', class: 'empty loading' }, 'Loading…')),
      );
    },

    /** Rows that are there already, and where a row is now. */
    get(deviceId, rowKey) {
      return lines.get(keyOf({ deviceId, rowKey }))?.row;
    },

    size: () => lines.size,

    /** The row that has so many newer ones before it, or, counted from -1 on, so many older ones behind it. */
    at: (place) => sorted.at(place)?.row,

    /**
     * Puts these rows among the others, or `isAnew` in their place, and says how many of the oldest had to go for them. Unless they are the
     * `isFirst` of their time, those that were not there before are new to whoever watches. `nothing` is said where there is no row at all.
     */
    merge(rows, { isFirst, isAnew = false, nothing }) {
      if (isAnew) {
        const stay = new Set(rows.map(keyOf));
        for (const key of lines.keys()) if (!stay.has(key)) lines.delete(key);
      }
      for (const row of rows) {
        const key = keyOf(row);
        const known = lines.get(key);
        if (known === undefined) {
          lines.set(key, { row, element: lineOf(row, !isFirst) });
          if (!isFirst) unannounced.push(row);
        } else if (
          known.row.outcome !== row.outcome ||
          known.row.outcomeAt !== row.outcomeAt ||
          known.row.closedAt !== row.closedAt
        ) {
          fillLine(known.element, row);
          known.row = row;
        }
      }
      sorted = [...lines.values()].toSorted((a, b) => Date.parse(b.row.detectedAt) - Date.parse(a.row.detectedAt));
      const gone = sorted.splice(mostLines);
      for (const { row } of gone) lines.delete(keyOf(row));
      place(sorted.map(({ element }) => element));
      if (sorted.length === 0) {
        place([el('tr', { role: 'row' }, el('td', { role: 'cell', colspan: '8', class: 'empty' }, nothing))]);
      }
      announce();
      return gone.length;
    },
  };

  /** Puts the elements into their order, and touches none that is in its place: a focused one stays focused. */
  function place(elements) {
    const wanted = new Set(elements);
    for (const child of [...body.children]) if (!wanted.has(child)) child.remove();
    let next = body.firstElementChild;
    for (const element of elements) {
      if (element === next) next = next.nextElementSibling;
      else body.insertBefore(element, next);
    }
  }
}

function lineOf(row, isNew) {
  const line = el('tr', { role: 'row', class: isNew ? 'new' : '' });
  fillLine(line, row);
  return line;
}

function fillLine(line, row) {
  // Its links change nothing but their row: who has one of them in focus keeps it.
  const focused = line.contains(document.activeElement) ? document.activeElement.className : undefined;
  const cell = (label, className, ...children) =>
    el('td', { role: 'cell', 'data-label': label, class: className }, ...children);
  const milliseconds = took(row);
  fill(
    line,
    cell('Detected', 'when', time(row.detectedAt)),
    cell('Device', 'device', link(toDevice(row.deviceId), { class: 'device-link' }, foreign(row.deviceId, 128))),
    cell('Policy', 'policy', foreign(row.policy, 64)),
    cell(
      'Property',
      'what',
      link(toRow(row), { class: 'row-link', title: printable(row.path, 400) }, foreign(shortPath(subject(row)), 200)),
    ),
    cell('Kind', 'kind', words(row.kind)),
    cell(
      'Was → wanted',
      'values',
      value(row.actual),
      el('span', { class: 'muted', 'aria-label': 'wanted' }, ' → '),
      row.kind === 'missingModule' ? 'baseline' : value(row.expected),
    ),
    cell('Outcome', 'outcome', badge(row.outcome)),
    cell('Took', 'number', milliseconds === undefined ? el('span', { class: 'muted' }, '–') : duration(milliseconds)),
  );
  if (focused !== undefined) line.querySelector(`a.${focused}`)?.focus();
}

function value(it) {
  return el('code', {}, foreign(json(it), 80));
}

/** The form that narrows the list; what it says goes into the address. */
export function createFilters() {
  const form = find('filters');
  const names = ['deviceId', 'policy', 'kind', 'outcome', 'path'];
  const kinds = [
    'missingModule',
    'missingProperty',
    'wrongValue',
    'forbiddenProperty',
    'notReported',
    'custom',
    'policyError',
  ];
  const outcomes = ['created', 'enforced', 'audited', 'healed', 'gone', 'heldBack', 'failed', 'pending', 'deferred'];
  for (const kind of kinds) form.elements.kind.append(el('option', { value: kind }, words(kind)));
  for (const outcome of outcomes) form.elements.outcome.append(el('option', { value: outcome }, words(outcome)));

  const given = () => Object.fromEntries(names.map((name) => [name, form.elements[name].value.trim()]));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    go(given());
  });
  form.addEventListener('change', (event) => {
    if (event.target instanceof HTMLSelectElement) go(given());
  });
  form.addEventListener('reset', (event) => {
    event.preventDefault();
    go(Object.fromEntries(names.map((name) => [name, undefined])));
  });

  function offer(select, value) {
    if (![...select.options].some((option) => option.value === value))
      select.append(el('option', { value }, printable(value, 64)));
  }
  return {
    /** The policies that can be chosen. */
    offerPolicies(policies) {
      for (const { name } of policies) offer(form.elements.policy, name);
    },
    show({ filters }) {
      for (const name of names) {
        const field = form.elements[name];
        const wanted = filters[name] ?? '';
        if (field instanceof HTMLSelectElement) offer(field, wanted);
        // Nobody's typing is taken away.
        if (field.value !== wanted) field.value = wanted;
      }
    },
  };
}
