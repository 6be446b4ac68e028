/** The upper half of the page: how compliant the fleet is, what departed over the time, what is out of line now and why. */
import { go, link, times, toDevice, toRow } from './address.js';
import { shareLines, stackedBars } from './charts.js';
import {
  badge,
  count,
  counted,
  duration,
  el,
  fill,
  foreign,
  percent,
  printable,
  refill,
  shortPath,
  subject,
  time,
  words,
} from './text.js';

const hour = 3_600_000;

/** How long a bucket is, so that there are neither a handful nor hundreds. */
export function bucketOf({ from, to }) {
  const hours = (Date.parse(to) - Date.parse(from)) / hour;
  return hours <= 49 ? 1 : hours <= 24 * 10 ? 6 : 24;
}

/** What the open list shows at once. */
export const openLimit = 100;

const byParts = { policy: 'byPolicy', kind: 'byKind', outcome: 'byOutcome' };
const outcomeOrder = ['enforced', 'created', 'healed', 'audited', 'heldBack', 'failed', 'deferred', 'pending', 'gone'];

const find = (id) => document.getElementById(id);

export function createOverview() {
  const departures = stackedBars(find('departures'), {
    label: 'Departures over time',
    empty: 'Nothing departed from its baseline in this time.',
    onSelect: (from, to) =>
      go({ from: new Date(from * 1000).toISOString(), to: new Date(to * 1000).toISOString(), range: undefined }),
  });
  const compliance = shareLines(find('compliance'), {
    label: 'Compliant devices over time',
    empty: 'Not counted in this time.',
  });
  for (const id of ['tiles', 'policies', 'open', 'top-devices', 'top-properties']) {
    fill(find(id), el('p', { class: 'empty loading' }, 'Loading…'));
  }
  // What scrolls must be reached by the keyboard.
  find('open').setAttribute('tabindex', '0');
  find('open').setAttribute('role', 'region');
  find('open').setAttribute('aria-labelledby', 'open-title');
  find('by').addEventListener('change', (event) =>
    go({ by: event.target.value === 'policy' ? undefined : event.target.value }),
  );

  return {
    /** Shows what the API said to `summary`, `policies` and `drift/open`. */
    show({ summary, policies, open }, view) {
      for (const input of find('by').querySelectorAll('input')) input.checked = input.value === view.by;
      const range = times(view);
      showTiles(summary, policies, open);
      showPolicies(policies, view);
      showDepartures(departures, summary, view, range);
      showCompliance(compliance, summary, policies, view, range);
      showOpen(open, view);
      showTops(summary);
    },
  };
}

function tile(label, value, note, grade) {
  return el(
    'div',
    { class: `tile ${grade ?? ''}` },
    el('div', { class: 'tile-label' }, label),
    el('div', { class: 'tile-value' }, value),
    el('div', { class: 'tile-note' }, note),
  );
}

function showTiles(summary, policies, open) {
  const counted_ = policies.filter(({ devices }) => devices !== undefined);
  const devices = counted_.reduce((sum, policy) => sum + policy.devices, 0);
  const compliant = counted_.reduce((sum, policy) => sum + (policy.compliant ?? 0), 0);
  const mended = (summary.buckets ?? []).reduce(
    (sum, { byOutcome }) => sum + (byOutcome.enforced ?? 0) + (byOutcome.created ?? 0),
    0,
  );
  const isMore = open.cursor !== undefined;
  const openCount = `${count(open.rows.length)}${isMore ? '+' : ''}`;
  const { p50, p99 } = summary.timeToEnforcedMs ?? {};
  refill(
    find('tiles'),
    tile(
      'Compliant now',
      counted_.length === 0 ? '–' : percent(compliant, devices),
      counted_.length === 0
        ? 'counted by the first sweep'
        : `${count(compliant)} of ${count(devices)}, over all policies`,
      counted_.length === 0 ? '' : compliant === devices ? 'good' : 'warn',
    ),
    tile(
      'Out of line now',
      openCount,
      open.rows.length === 0 ? 'all that departed is mended' : 'see why below',
      open.rows.length === 0 ? 'good' : 'warn',
    ),
    tile('Departures', count(summary.total), `${count(mended)} mended, in this time`),
    tile('Change to enforced, median', duration(p50), 'half are faster'),
    tile('Change to enforced, p99', duration(p99), 'one in a hundred is slower'),
  );
}

function showPolicies(policies, view) {
  if (policies.length === 0) return refill(find('policies'), el('p', { class: 'empty' }, 'There are no policies.'));
  const lines = policies.map(({ name, devices, compliant, openDevices, mode }) => {
    const isChosen = view.filters.policy === name;
    const share = devices === undefined || devices === 0 ? undefined : (compliant ?? 0) / devices;
    const bar = el('meter', {
      min: '0',
      max: '1',
      value: String(share ?? 0),
      'aria-hidden': 'true',
      class: share === 1 ? 'full' : '',
    });
    return el(
      'tr',
      {},
      el(
        'th',
        { scope: 'row' },
        link({ policy: isChosen ? undefined : name }, { 'aria-current': isChosen ? 'true' : undefined }, foreign(name)),
        mode === 'audit' ? el('span', { class: 'tag' }, 'audit') : undefined,
      ),
      el('td', { class: 'bar' }, bar),
      el('td', { class: 'number' }, devices === undefined ? '–' : percent(compliant ?? 0, devices)),
      el(
        'td',
        { class: 'number muted' },
        devices === undefined ? `${count(openDevices)} out` : `${count(compliant ?? 0)} / ${count(devices)}`,
      ),
    );
  });
  const heads = ['policy', '', 'compliant', 'devices'].map((text) => el('th', { scope: 'col' }, text));
  refill(
    find('policies'),
    el('table', { class: 'plain' }, el('thead', { class: 'hidden' }, el('tr', {}, heads)), el('tbody', {}, lines)),
  );
}

function showDepartures(chart, summary, view, range) {
  const part = byParts[view.by];
  const chosen = view.filters[view.by];
  const all = new Set(summary.buckets.flatMap((bucket) => Object.keys(bucket[part])));
  const known = view.by === 'outcome' ? outcomeOrder.filter((name) => all.has(name)) : [...all].toSorted();
  const names = known.filter((name) => chosen === undefined || name === chosen);
  const label = (name) => (view.by === 'policy' ? name : words(name));
  const buckets = summary.buckets.map((bucket) => ({
    from: bucket.from,
    counts: Object.fromEntries(names.map((name) => [label(name), bucket[part][name] ?? 0])),
  }));
  const totals = names.map(
    (name) =>
      `${printable(label(name), 60)} ${count(summary.buckets.reduce((sum, bucket) => sum + (bucket[part][name] ?? 0), 0))}`,
  );
  chart.show({
    from: Date.parse(range.from),
    to: Date.parse(range.to),
    bucketMs: bucketOf(range) * hour,
    buckets,
    names: names.map(label),
    says: `${counted(summary.total, 'departure')}; ${totals.join(', ')}`,
  });
}

function showCompliance(chart, summary, policies, view, range) {
  // What ends now ends with what is so now.
  const isNow = view.range !== 'custom';
  const now = policies.map(({ name, devices, compliant }) => ({
    at: range.to,
    policy: name,
    devices: devices ?? 0,
    compliant,
  }));
  const points = [...summary.compliance, ...(isNow ? now : [])]
    .filter(({ devices }) => devices > 0)
    .map(({ at, policy, devices, compliant }) => ({
      at: Date.parse(at),
      name: policy,
      share: (100 * compliant) / devices,
    }));
  const names = [...new Set(points.map(({ name }) => name))].toSorted();
  const last = names.map(
    (name) => `${printable(name, 60)} ${points.findLast((point) => point.name === name).share.toFixed(1)} %`,
  );
  chart.show({
    from: Date.parse(range.from),
    to: Date.parse(range.to),
    points,
    names,
    says: `last ${last.join(', ')}`,
  });
}

function showOpen({ rows, cursor }, view) {
  const byState = Map.groupBy(rows, ({ why }) => why.state);
  const { policy, deviceId } = view.filters;
  const about = [
    policy === undefined ? '' : ` of ${printable(policy, 60)}`,
    deviceId === undefined ? '' : ` on ${printable(deviceId, 60)}`,
  ].join('');
  const states = [...byState].map(([state, its]) => `${count(its.length)} ${words(state)}`).join(', ');
  fill(find('open-count'), rows.length === 0 ? '' : `${states}${cursor === undefined ? '' : ', and more'}${about}`);
  if (rows.length === 0) {
    return refill(
      find('open'),
      el('p', { class: 'empty' }, `Nothing${about}: everything that departed has been mended.`),
    );
  }
  const items = rows.map((row) =>
    el(
      'li',
      {},
      el(
        'div',
        { class: 'open-head' },
        badge(row.why.state),
        link(toDevice(row.deviceId), {}, foreign(row.deviceId, 128)),
        el('span', { class: 'muted' }, 'since ', time(row.detectedAt)),
      ),
      link(toRow(row), { class: 'quiet' }, foreign(shortPath(subject(row)), 200)),
      el('div', { class: 'why' }, foreign(row.why.reason, 400)),
    ),
  );
  refill(find('open'), el('ul', { class: 'open-list' }, items));
}

function showTops({ topDevices, topProperties }) {
  ranking(find('top-devices'), topDevices, ({ deviceId }) => link(toDevice(deviceId), {}, foreign(deviceId, 128)));
  ranking(find('top-properties'), topProperties, ({ policy, path }) => [
    link(
      path === '' ? { policy, kind: 'missingModule', path: undefined } : { policy, path },
      { title: printable(path, 400) },
      foreign(path === '' ? '(the module)' : shortPath(path), 200),
    ),
    el('span', { class: 'muted' }, foreign(policy, 60)),
  ]);
}

function ranking(element, items, name) {
  if (items.length === 0) return refill(element, el('p', { class: 'empty' }, 'None in this time.'));
  const most = Math.max(...items.map((item) => item.count));
  const lines = items.map((item) => {
    const line = el(
      'li',
      {},
      el('div', { class: 'ranked' }, name(item)),
      el('span', { class: 'number' }, count(item.count)),
    );
    line.style.setProperty('--share', String(item.count / most));
    return line;
  });
  refill(element, el('ol', { class: 'ranking' }, lines));
}
