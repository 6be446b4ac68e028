/** The upper half of the page: how compliant the fleet is, what departed over the time, what is out of line now and why. */
import { go, link, toDevice, toRow } from './address.js';
import { shareLines, stackedBars } from './charts.js';
import {
  badge,
  count,
  counted,
  duration,
  el,
  fill,
  foreign,
  moment,
  percent,
  printable,
  refill,
  shortPath,
  span,
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

/** A count that is older than this, in ms, at the end of its time is said to be. */
const lag = 60_000;

const byParts = { policy: 'byPolicy', kind: 'byKind', outcome: 'byOutcome' };
const outcomeOrder = ['enforced', 'created', 'healed', 'audited', 'heldBack', 'failed', 'deferred', 'pending', 'gone'];

const find = (id) => document.getElementById(id);

export function createOverview() {
  const departures = stackedBars(find('departures'), {
    label: 'Departures over time',
    onSelect: (from, to) =>
      go({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), range: undefined }),
  });
  const compliance = shareLines(find('compliance'), { label: 'Compliant devices over time' });
  let shownAt;
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
    /** Shows what the API said to `summary`, in buckets of so many hours, `policies` and `drift/open`. */
    show({ summary, policies, open, bucketHours }, view) {
      shownAt = Date.now();
      for (const input of find('by').querySelectorAll('input')) input.checked = input.value === view.by;
      // Of all this, the API narrows down only what is out of line.
      for (const tag of document.querySelectorAll('.whole')) tag.hidden = !isFiltered(view);
      const out = outOfLine(open, policies, view);
      showTiles(summary, policies, out, view);
      showPolicies(policies, view);
      showDepartures(departures, summary, view, bucketHours);
      showCompliance(compliance, summary, policies, view);
      showOpen(out);
      showTops(summary);
      document.title = out.isNarrowed || out.devices === 0 ? 'Twinkeeper' : `${out.count} out of line – Twinkeeper`;
    },
    /** Says that what is shown is not kept up to date, or is again. */
    markOld(isOld) {
      find('main').classList.toggle('old', isOld && shownAt !== undefined);
      find('old').hidden = !isOld || shownAt === undefined;
      if (isOld && shownAt !== undefined) {
        const text = ['Numbers and charts are old: they are as of ', time(new Date(shownAt).toISOString()), '.'];
        if (find('old').textContent !== text.map((part) => part.textContent ?? part).join('')) fill(find('old'), text);
      }
    },
  };
}

function isFiltered({ filters }) {
  return Object.keys(filters).length > 0;
}

/**
 * What is out of line, as far as it fits the filters. `devices` is counted as compliance is, for each policy by itself; where other filters
 * than a policy are set, only by the rows that are here.
 */
function outOfLine({ rows: listed, cursor }, policies, view) {
  const { policy, ...others } = view.filters;
  const rows = listed.filter((row) =>
    ['kind', 'outcome', 'path'].every((name) => others[name] === undefined || row[name] === others[name]),
  );
  const isAll = cursor === undefined;
  const isOfPolicies = Object.keys(others).length === 0;
  const sum = (its) => its.reduce((all, { openDevices }) => all + openDevices, 0);
  const here = new Set(rows.map((row) => `${row.policy}\n${row.deviceId}`)).size;
  const known = sum(policies.filter(({ name }) => policy === undefined || name === policy));
  const devices = isOfPolicies ? Math.max(here, known) : here;
  const isAtLeast = !isAll && !isOfPolicies;
  return {
    rows,
    isAll,
    listed: listed.length,
    devices,
    count: `${count(devices)}${isAtLeast ? '+' : ''}`,
    isNarrowed: isFiltered(view),
    fleet: sum(policies),
  };
}

function tile({ label, value, note, grade = '', isWhole = false }) {
  return el(
    'div',
    { class: `tile ${grade}` },
    el('div', { class: 'tile-label' }, label, isWhole && el('span', { class: 'tag' }, 'whole fleet')),
    el('div', { class: 'tile-value' }, value),
    el('div', { class: 'tile-note' }, note),
  );
}

function outOfLineTile({ rows, isAll, listed, count: shown, devices, isNarrowed, fleet }) {
  const label = 'Out of line now';
  const inFleet = `whole fleet: ${count(fleet)}`;
  if (isNarrowed && shown === '0+') {
    return { label, value: '–', note: `none of the first ${count(listed)} fits these filters; ${inFleet}` };
  }
  if (isNarrowed) {
    return { label, value: shown, note: `with these filters; ${inFleet}`, grade: devices === 0 ? '' : 'warn' };
  }
  if (devices === 0 && isAll) return { label, value: '0', note: 'all that departed is mended', grade: 'good' };
  const departures = isAll ? counted(rows.length, 'departure') : `more than ${counted(rows.length, 'departure')}`;
  const noun = devices === 1 ? 'device' : 'devices';
  return { label, value: shown, note: `${noun}, added up over policies, with ${departures}`, grade: 'warn' };
}

function showTiles(summary, policies, out, view) {
  const swept = policies.filter(({ devices }) => devices !== undefined);
  const devices = swept.reduce((sum, policy) => sum + policy.devices, 0);
  const compliant = swept.reduce((sum, policy) => sum + (policy.compliant ?? 0), 0);
  const mended = summary.buckets.reduce(
    (sum, { byOutcome }) => sum + (byOutcome.enforced ?? 0) + (byOutcome.created ?? 0),
    0,
  );
  const { p50, p99 } = summary.timeToEnforcedMs ?? {};
  const isWhole = isFiltered(view);
  const tiles = [
    {
      label: 'Compliant now',
      value: swept.length === 0 ? '–' : percent(compliant, devices),
      note:
        swept.length === 0
          ? 'counted by the first sweep'
          : `${count(compliant)} of ${count(devices)}, over all policies`,
      grade: swept.length === 0 ? '' : compliant === devices ? 'good' : 'warn',
      isWhole,
    },
    outOfLineTile(out),
    {
      label: 'Departures',
      value: isCounted(summary) ? count(summary.total) : '–',
      note: isCounted(summary) ? `${count(mended)} mended, ${countedTime(summary)}` : 'not counted yet',
      isWhole,
    },
    { label: 'Change to enforced, median', value: duration(p50), note: 'half are faster', isWhole },
    { label: 'Change to enforced, p99', value: duration(p99), note: 'one in a hundred is slower', isWhole },
  ];
  refill(find('tiles'), tiles.map(tile));
}

function isCounted({ countedAt, total }) {
  return countedAt !== undefined || total > 0;
}

/** The time that was counted, and how new the count is where that is not as new as could be. */
function countedTime({ from, to, countedAt }) {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const isLate = countedAt !== undefined && end - Date.parse(countedAt) > lag;
  return `${span(begin, end)}${isLate ? `, as of ${moment(Date.parse(countedAt), end)}` : ''}`;
}

function showPolicies(policies, view) {
  if (policies.length === 0) return refill(find('policies'), el('p', { class: 'empty' }, 'There are no policies.'));
  const lines = policies.map(({ name, devices, compliant, openDevices, mode }) => {
    const isChosen = view.filters.policy === name;
    const share = devices === undefined || devices === 0 ? undefined : (compliant ?? 0) / devices;
    const bar = el('div', { class: `meter ${share === 1 ? 'full' : ''}`, 'aria-hidden': 'true' });
    bar.style.setProperty('--share', String(share ?? 0));
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

function showDepartures(chart, summary, view, bucketHours) {
  const part = byParts[view.by];
  const chosen = view.filters[view.by];
  const all = new Set(summary.buckets.flatMap((bucket) => Object.keys(bucket[part])));
  const known = view.by === 'outcome' ? outcomeOrder.filter((name) => all.has(name)) : [...all].toSorted();
  const names = known.filter((name) => chosen === undefined || name === chosen);
  const label = (name) => (view.by === 'policy' ? name : words(name));
  const countOf = (bucket, name) => (Object.hasOwn(bucket[part], name) ? bucket[part][name] : 0);
  const sumOf = (name) => summary.buckets.reduce((sum, bucket) => sum + countOf(bucket, name), 0);
  const buckets = summary.buckets.map((bucket) => ({
    from: bucket.from,
    counts: Object.fromEntries(names.map((name) => [label(name), countOf(bucket, name)])),
  }));
  const sums = names.map((name) => `${printable(label(name), 60)} ${count(sumOf(name))}`);
  const total = chosen === undefined ? summary.total : names.reduce((sum, name) => sum + sumOf(name), 0);
  const only = chosen === undefined ? '' : `, only ${printable(label(chosen), 60)}`;
  fill(find('departures-whole'), `whole fleet${only}`);
  fill(find('departures-counted'), isCounted(summary) ? `counted by the hour: ${countedTime(summary)}` : '');
  const none =
    chosen === undefined ? 'Nothing departed from its baseline in this time.' : 'None of these in this time.';
  chart.show({
    from: Date.parse(summary.from),
    to: Date.parse(summary.to),
    bucketMs: bucketHours * hour,
    buckets,
    names: names.map(label),
    says: `${counted(total, 'departure')}${only}; ${sums.join(', ')}`,
    empty: isCounted(summary) ? none : 'This time has not been counted yet.',
  });
}

function showCompliance(chart, summary, policies, view) {
  // What ends now ends with what is so now.
  const isNow = view.range !== 'custom';
  const now = policies.map(({ name, devices, compliant }) => ({
    at: summary.to,
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
    from: Date.parse(summary.from),
    to: Date.parse(summary.to),
    points,
    names,
    says: `last ${last.join(', ')}`,
    empty: 'Not counted in this time.',
  });
}

function showOpen({ rows, isAll, listed, isNarrowed, fleet }) {
  const states = [...Map.groupBy(rows, ({ why }) => why.state)]
    .map(([state, its]) => `${count(its.length)} ${words(state)}`)
    .join(', ');
  const among = isAll ? '' : ` among the first ${count(listed)}`;
  fill(find('open-count'), rows.length === 0 ? '' : `${states}${among}${isNarrowed ? ', with these filters' : ''}`);
  if (rows.length === 0) {
    const others = `${counted(fleet, 'device')} ${fleet === 1 ? 'is' : 'are'} out of line.`;
    const nothing = isNarrowed
      ? `Nothing${among} with these filters. In the whole fleet ${others}`
      : isAll && fleet === 0
        ? 'Nothing: everything that departed has been mended.'
        : others;
    return refill(find('open'), el('p', { class: 'empty' }, nothing));
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
  refill(
    find('open'),
    el('ul', { class: 'open-list' }, items),
    isAll ? undefined : el('p', { class: 'note' }, 'There are more: filter by a policy or a device to see others.'),
  );
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
