/** What opens beside the page: one row, or one device. */
import { go, link, noDetails, toDevice, toRow } from './address.js';
import { ask } from './api.js';
import { sideBySide } from './diff.js';
import {
  badge,
  counted,
  duration,
  el,
  fill,
  foreign,
  json,
  printable,
  shortPath,
  subject,
  time,
  took,
  words,
} from './text.js';

const find = (id) => document.getElementById(id);

/** `findRow` gives a row that the page has already. */
export function createDetails({ findRow }) {
  const dialog = find('details');
  const title = find('details-title');
  const body = find('details-body');
  let shown;

  find('close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    if (shown === undefined) return;
    shown = undefined;
    go(noDetails);
  });

  function open(details, heading) {
    fill(title, heading);
    fill(body, el('p', { class: 'empty loading' }, 'Loading…'));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    title.focus();
    shown = details;
  }

  async function load(details, read) {
    try {
      const answer = await read();
      if (shown === details) fill(body, answer);
    } catch (problem) {
      if (shown !== details) return;
      const again = el('button', { type: 'button' }, 'Try again');
      again.addEventListener('click', () => load(details, read));
      const message = el('p', { class: 'problem', role: 'alert' }, problem.message, ' ', problem.advice ?? '');
      fill(body, message, again);
    }
  }

  return {
    /** Opens, closes or changes with the address. */
    show({ details }) {
      if (JSON.stringify(details) === JSON.stringify(shown)) return;
      if (details === undefined) {
        shown = undefined;
        dialog.close();
      } else if (details.type === 'row') {
        open(details, ['Departure on ', foreign(details.deviceId, 128)]);
        load(details, async () => describeRow(findRow(details) ?? (await readRow(details))));
      } else {
        open(details, ['Device ', foreign(details.deviceId, 128)]);
        if (['.', '..'].includes(details.deviceId)) return fill(body, describeUnaddressable(details));
        const read = async () =>
          describeDevice(await ask(`devices/${encodeURIComponent(details.deviceId)}`), () => load(details, read));
        load(details, read);
      }
    },
    /** Shows the row anew where that is what is open. */
    refresh() {
      const row = shown?.type === 'row' ? findRow(shown) : undefined;
      if (row !== undefined && row.outcome !== body.firstElementChild?.dataset.outcome) fill(body, describeRow(row));
    },
  };
}

/** Among so many of a device's rows, the newest first, a row is looked for. */
const searched = 1000;

async function readRow({ deviceId, rowKey }) {
  const isIt = (row) => row.rowKey === rowKey;
  const { rows } = await ask('drift', { deviceId, limit: searched });
  const row = rows.find(isIt) ?? (await ask('drift/open', { deviceId, limit: searched })).rows.find(isIt);
  if (row === undefined)
    throw new Error(`This row is not among the last ${searched} of its device, or retention has removed it.`);
  return row;
}

function facts(entries, more = '') {
  const shown = entries.filter(([, value]) => value !== undefined && value !== '');
  return el(
    'dl',
    { class: `facts ${more}` },
    shown.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
  );
}

const whatWasDone = {
  pending: () => 'It is being mended now.',
  created: () => 'The module was created, with its baseline.',
  enforced: (row) =>
    row.kind === 'forbiddenProperty'
      ? 'The property was removed.'
      : 'The property was set back to what the policy wants.',
  audited: () => 'It was recorded only: the policy audits, or nothing could mend it.',
  healed: () =>
    'Nothing: it was over before anything was done. It was right again, or a later write with a row of its own took its place.',
  gone: () => 'Nothing: the device or the module was deleted.',
  deferred: () => 'Nothing so far: a retry is waiting.',
  heldBack: () => 'Nothing: a guard holds it back. Each sweep looks at it again.',
  failed: () => 'It could not be mended, and was given up.',
};

function describeRow(row) {
  const milliseconds = took(row);
  const begun = row.operationTimestamp ?? (row.write?.exact ? row.write.at : undefined);
  const after = (iso) => (begun === undefined ? '' : ` +${duration(Date.parse(iso) - Date.parse(begun))}`);
  const steps = [
    begun === undefined ? undefined : ['Changed', time(begun), 'by a write to the twin'],
    [
      'Detected',
      time(row.detectedAt),
      `by ${row.source === 'event' ? 'an event' : row.source === 'sweep' ? 'a sweep' : 'hand'}${after(row.detectedAt)}`,
    ],
    row.outcome === 'pending' ? undefined : [words(row.outcome), time(row.outcomeAt), after(row.outcomeAt)],
    row.closedAt === undefined ? undefined : ['In line again', time(row.closedAt), after(row.closedAt)],
  ].filter((step) => step !== undefined);
  return el(
    'div',
    { 'data-outcome': row.outcome },
    facts([
      ['Device', link(toDevice(row.deviceId), {}, foreign(row.deviceId, 128))],
      ['Module', row.moduleId === '' ? 'the device’s own twin' : foreign(row.moduleId, 128)],
      ['Policy', foreign(row.policy, 64)],
      ['Kind', words(row.kind)],
      ['Mode', row.mode],
    ]),
    facts(
      [['Property', row.path === '' ? 'the module as a whole' : el('code', {}, foreign(row.path, 4200))]],
      'single',
    ),
    sideBySide(row.expected, row.actual),
    el('h3', {}, 'What was done'),
    el(
      'p',
      {},
      badge(row.outcome),
      ' ',
      Object.hasOwn(whatWasDone, row.outcome) ? whatWasDone[row.outcome](row) : '',
      milliseconds === undefined ? '' : ` ${howLong(row, duration(milliseconds))}`,
    ),
    [row.error, row.message]
      .filter((text) => text !== undefined)
      .map((text) => el('p', { class: 'why' }, foreign(text, 4200))),
    el(
      'ol',
      { class: 'steps' },
      steps.map(([what, when, how]) => el('li', {}, el('strong', {}, what), when, el('span', { class: 'muted' }, how))),
    ),
    facts([
      ['Twin version', row.twinVersion === undefined ? undefined : String(row.twinVersion)],
      ['Correlation id', row.correlationId === undefined ? undefined : el('code', {}, foreign(row.correlationId, 200))],
      ['Hub', foreign(row.hub, 128)],
    ]),
  );
}

function howLong({ outcome, operationTimestamp }, took) {
  const since = operationTimestamp === undefined ? 'its detection' : 'the change';
  return outcome === 'enforced' || outcome === 'created'
    ? `It took ${took} from ${since}.`
    : `It was over ${took} after ${since}.`;
}

/** In a path these two stand for folders, however they are written. */
function describeUnaddressable({ deviceId }) {
  return [
    el(
      'p',
      { class: 'why' },
      'A device with this name cannot be opened by its address: browsers and proxies take ',
      el('code', {}, deviceId),
      ' out of every path. Its twins cannot be shown here; all that is on record of it is in the history.',
    ),
    el('p', {}, link({ deviceId, ...noDetails }, {}, 'Only this device in the history')),
  ];
}

function describeDevice(device, lookAgain) {
  const again = el('button', { type: 'button' }, 'Look again');
  again.addEventListener('click', lookAgain);
  const wrong = device.modules.reduce((sum, { properties }) => sum + properties.filter(({ ok }) => !ok).length, 0);
  const state = !device.exists
    ? el('span', { class: 'badge plain' }, 'not in the hub: only the history knows it')
    : el(
        'span',
        { class: `badge ${wrong === 0 ? 'good' : 'warn'}` },
        wrong === 0
          ? 'keeps to its baseline'
          : `${counted(wrong, 'property').replace('propertys', 'properties')} out of line`,
      );
  return [
    el(
      'p',
      { class: 'device-state' },
      state,
      el('span', { class: 'muted' }, 'read ', time(device.at)),
      again,
      link({ deviceId: device.deviceId, ...noDetails }, {}, 'Only this device in the history'),
    ),
    facts([
      ['Policies', device.policies.length === 0 ? 'none' : foreign(device.policies.join(', '), 1000)],
      ['Edge', device.edge ? 'yes' : undefined],
      ['Tags', Object.keys(device.tags).length === 0 ? undefined : el('code', {}, foreign(json(device.tags), 4200))],
    ]),
    device.modules.map(describeModule),
    device.open.length === 0
      ? undefined
      : [el('h3', {}, 'Out of line now'), el('ul', { class: 'open-list' }, device.open.map(describeOpen))],
    el('h3', {}, 'Timeline'),
    device.rows.length === 0
      ? el('p', { class: 'empty' }, 'It has never departed from its baseline.')
      : el('ol', { class: 'timeline' }, device.rows.map(describeEntry)),
  ];
}

function describeOpen(row) {
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'open-head' },
      badge(row.why.state),
      link(toRow(row), {}, foreign(shortPath(subject(row)), 200)),
      el('span', { class: 'muted' }, 'since ', time(row.detectedAt)),
    ),
    el('div', { class: 'why' }, foreign(row.why.reason, 400)),
  );
}

function describeEntry(row) {
  const milliseconds = took(row);
  return el(
    'li',
    {},
    time(row.detectedAt),
    badge(row.outcome),
    el(
      'span',
      {},
      link(toRow(row), { title: printable(row.path, 400) }, foreign(shortPath(subject(row)), 200)),
      el('span', { class: 'muted' }, ` ${words(row.kind)}`),
    ),
    el('span', { class: 'number muted' }, milliseconds === undefined ? '' : duration(milliseconds)),
  );
}

/** A module's twin held against the baseline: what differs first. */
function describeModule(module) {
  const name = module.moduleId === '' ? 'The device’s own twin' : foreign(module.moduleId, 128);
  const wrong = module.properties.filter(({ ok }) => !ok);
  const right = module.properties.filter(({ ok }) => ok);
  const head = el('h3', {}, name, ' ', el('span', { class: 'muted' }, foreign(module.policies.join(', '), 400)));
  const missing = module.exists ? undefined : el('p', { class: 'why' }, 'The module is missing.');
  const lines = (properties, className) =>
    properties.map((property) =>
      el(
        'tr',
        { class: className },
        el(
          'th',
          { scope: 'row', title: printable(property.path, 400) },
          foreign(property.path === '' ? words(property.kind ?? 'the twin') : shortPath(property.path), 300),
        ),
        el(
          'td',
          { 'data-label': 'Baseline' },
          el('code', {}, foreign(property.expected === undefined ? '(none)' : json(property.expected), 4200)),
          el('div', { class: 'muted' }, foreign(property.rule, 400)),
        ),
        el(
          'td',
          { 'data-label': 'Twin now' },
          el('code', {}, foreign(json(property.actual), 4200)),
          property.message === undefined ? undefined : el('div', { class: 'why' }, foreign(property.message, 1000)),
        ),
      ),
    );
  const table = (rows) =>
    el(
      'table',
      { class: 'diff' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ['Property', 'Baseline', 'Twin now'].map((text) => el('th', { scope: 'col' }, text)),
        ),
      ),
      el('tbody', {}, rows),
    );
  return el(
    'section',
    { class: 'module' },
    head,
    missing,
    wrong.length === 0 ? undefined : table(lines(wrong, 'differs')),
    right.length === 0
      ? undefined
      : el(
          'details',
          {},
          el('summary', {}, `${right.length} of ${module.properties.length} keep to the baseline`),
          table(lines(right, '')),
        ),
  );
}
