/** The page's beginning: asks the API again and again, and shows what it says for the view that the address names. */
import { countedTimes, go, onView, times, view } from './address.js';
import { appNow, ask, askCsv, Problem } from './api.js';
import { createDetails } from './details.js';
import { createLive } from './live.js';
import { bucketOf, createOverview, openLimit } from './overview.js';
import { createFilters, createRows } from './rows.js';
import { counted, fill, printable, time } from './text.js';

const find = (id) => document.getElementById(id);

const looksEvery = 3_000;
const overviewEvery = 10_000;
const longestWait = 30_000;

const overview = createOverview();
const rows = createRows();
const filters = createFilters();
const details = createDetails({ findRow: ({ deviceId, rowKey }) => rows.get(deviceId, rowKey) });
const live = createLive({
  rows,
  now: appNow,
  onShown(found) {
    details.refresh();
    const hub = found[0]?.hub;
    if (hub !== undefined) fill(find('hub'), printable(hub, 128));
  },
});

let current = view();
let isPaused = false;
/** What is asked cannot be answered, however often. */
let isHopeless = false;
let failures = 0;
let last;
let turn = 0;
let overviewAt = 0;
let timer;

function begin() {
  const { from, to } = times(current, appNow());
  const isFiltered = Object.keys(current.filters).length > 0;
  live.begin({ ...current.filters, from, to: current.range === 'custom' ? to : undefined }, isFiltered);
  overviewAt = 0;
  failures = 0;
  find('problem').hidden = true;
  look();
}

/** Asks once, shows what came, and sees to it that it is asked again. What an earlier look still waits for is dropped. */
async function look() {
  clearTimeout(timer);
  const mine = ++turn;
  const isMine = () => mine === turn;
  isHopeless = false;
  try {
    const both = await Promise.allSettled([live.look(isMine), lookAtOverview(isMine)]);
    if (!isMine()) return;
    const failed = both.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
    if (failed.length > 0) throw failed.find((problem) => problem.isHopeless) ?? failed[0];
    failures = 0;
    if (find('problem').dataset.of === 'look') find('problem').hidden = true;
    overview.markOld(false);
    fill(find('state'), isPaused ? 'Paused ' : 'Live ', time(new Date().toISOString()));
    find('state').classList.toggle('live', !isPaused);
  } catch (problem) {
    failures++;
    isHopeless = problem.isHopeless === true;
    complain(problem, 'look');
    overview.markOld(true);
    find('state').classList.remove('live');
    fill(find('state'), isHopeless ? 'Stopped' : isPaused ? 'Paused' : `Trying again in ${wait() / 1000} s`);
    for (const empty of document.querySelectorAll('.loading')) {
      empty.classList.remove('loading');
      fill(empty, 'Not known.');
    }
  }
  if (!isPaused && !isHopeless) timer = setTimeout(() => (document.hidden ? undefined : look()), wait());
}

function wait() {
  return Math.min(longestWait, looksEvery * 2 ** Math.min(failures, 5));
}

async function lookAtOverview(isMine) {
  if (Date.now() - overviewAt < overviewEvery) return;
  const range = countedTimes(current, appNow());
  const { policy, deviceId } = current.filters;
  const [summary, { policies }, open] = await Promise.all([
    ask('summary', { ...range, bucket: bucketOf(range) === 24 ? '1d' : `${bucketOf(range)}h` }),
    ask('policies'),
    ask('drift/open', { policy, deviceId, limit: openLimit }),
  ]);
  if (!isMine()) return;
  overviewAt = Date.now();
  last = { summary, policies, open, bucketHours: bucketOf(range) };
  filters.offerPolicies(policies);
  overview.show(last, current);
}

/** Says what is wrong until the next look brings something, or, where somebody asked for it, until they do something else. */
function complain(problem, of) {
  const isOurs = problem instanceof Problem;
  const message = isOurs ? problem.message : `This page failed: ${problem?.message ?? problem}`;
  const text = `${message} ${(isOurs && problem.advice) || ''}`;
  const box = find('problem');
  // What is said already is not said again to those who listen.
  if (box.hidden || box.textContent !== printable(text)) fill(box, text);
  box.dataset.of = of;
  box.hidden = false;
}

function showControls() {
  filters.show(current);
  find('range').value = current.range;
  find('custom').hidden = current.range !== 'custom';
  if (current.range === 'custom') {
    find('from').value = localTime(current.from);
    find('to').value = localTime(current.to);
  }
}

/** A time as `datetime-local` inputs have it. */
function localTime(iso) {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

onView((next) => {
  const asks = ({ filters: its, range, from, to }) => JSON.stringify([its, range, from, to]);
  const isOther = asks(next) !== asks(current);
  const isRedrawn = next.by !== current.by;
  current = next;
  showControls();
  if (isOther) begin();
  else if (isRedrawn && last !== undefined) overview.show(last, current);
  details.show(current);
});

find('range').addEventListener('change', ({ target }) => {
  if (target.value === 'custom') go({ ...times(current, appNow()), range: undefined });
  else go({ range: target.value === '24h' ? undefined : target.value, from: undefined, to: undefined });
});

for (const id of ['from', 'to']) {
  find(id).addEventListener('change', () => {
    const [from, to] = [find('from'), find('to')];
    const isWrong = from.value === '' || to.value === '' || from.value >= to.value;
    to.setCustomValidity(isWrong ? 'The end must be after the beginning.' : '');
    if (isWrong) to.reportValidity();
    else go({ from: new Date(from.value).toISOString(), to: new Date(to.value).toISOString(), range: undefined });
  });
}

find('pause').addEventListener('click', ({ currentTarget }) => {
  isPaused = !isPaused;
  currentTarget.setAttribute('aria-pressed', String(isPaused));
  fill(currentTarget, isPaused ? 'Resume' : 'Pause');
  look();
});

find('newest').addEventListener('click', () => {
  begin();
  find('history').focus();
});

/** While a button's work is going on it cannot be pressed again. */
function onPress(id, work) {
  find(id).addEventListener('click', async ({ currentTarget }) => {
    find('problem').hidden = true;
    currentTarget.disabled = true;
    try {
      await work(currentTarget);
    } catch (problem) {
      complain(problem, id);
    } finally {
      currentTarget.disabled = false;
    }
  });
}

onPress('more', () => live.more());

onPress('csv', async (button) => {
  fill(button, 'Exporting…');
  try {
    const { from, to } = times(current, appNow());
    const blob = await askCsv('drift', { ...current.filters, from, to });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `twinkeeper-drift-${from.slice(0, 16)}-${to.slice(0, 16)}.csv`.replaceAll(':', '');
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    fill(find('announce'), `Exported ${counted(Math.ceil(blob.size / 1024), 'kilobyte')} as CSV.`);
  } finally {
    fill(button, 'Export CSV');
  }
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !isPaused && !isHopeless) look();
});

showControls();
begin();
details.show(current);
