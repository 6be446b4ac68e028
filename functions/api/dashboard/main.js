/** The page's beginning: asks the API again and again, and shows what it says for the view that the address names. */
import { go, onView, times, view } from './address.js';
import { ask, askCsv, Problem } from './api.js';
import { createDetails } from './details.js';
import { bucketOf, createOverview, openLimit } from './overview.js';
import { createFilters, createRows } from './rows.js';
import { count, counted, duration, fill, printable, time } from './text.js';

const find = (id) => document.getElementById(id);

const rowsEvery = 3_000;
const overviewEvery = 10_000;
const longestWait = 30_000;
const pageSize = 50;
/** A page in how many is as long as the list, for what has changed further down. */
const wholeEvery = 10;

const overview = createOverview();
const rows = createRows();
const filters = createFilters();
const details = createDetails({ findRow: ({ deviceId, rowKey }) => rows.get(deviceId, rowKey) });

let current = view();
let isPaused = false;
/** What the list asks; it stays the same as long as the list does, because cursors are of one question. */
let question;
let older;
let looks = 0;
let failures = 0;
let last;
let generation = 0;
let overviewAt = 0;
let timer;

function begin() {
  const { from, to } = times(current);
  question = { ...current.filters, from, to: current.range === 'custom' ? to : undefined };
  older = undefined;
  looks = 0;
  overviewAt = 0;
  generation++;
  rows.reset();
  find('more').hidden = true;
  look();
}

/** Asks once, shows what came, and sees to it that it is asked again. */
async function look() {
  clearTimeout(timer);
  const mine = generation;
  const isMine = () => mine === generation;
  try {
    const both = await Promise.allSettled([lookAtRows(isMine), lookAtOverview(isMine)]);
    const failed = both.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (!isMine()) return;
    failures = 0;
    find('problem').hidden = true;
    fill(find('state'), isPaused ? 'Paused ' : 'Live ', time(new Date().toISOString()));
    find('state').classList.toggle('live', !isPaused);
  } catch (problem) {
    if (!isMine()) return;
    failures++;
    complain(problem);
  }
  if (isPaused) return;
  const wait = Math.min(longestWait, rowsEvery * 2 ** Math.min(failures, 5));
  timer = setTimeout(() => (document.hidden ? undefined : look()), wait);
}

async function lookAtRows(isMine) {
  const isFirst = looks === 0;
  const isWhole = !isFirst && looks % wholeEvery === 0;
  const limit = isWhole ? Math.min(1000, Math.max(pageSize, rows.size())) : pageSize;
  let page = await ask('drift', { ...question, limit });
  if (!isMine()) return;
  const found = [...page.rows];
  if (isFirst) older = page.cursor;
  // More has come since than one page holds: all of it up to what is known, or the list would have a gap.
  for (let pages = 1; !isFirst && page.cursor !== undefined && !page.rows.some(isKnown) && pages < 20; pages++) {
    page = await ask('drift', { ...question, limit, cursor: page.cursor });
    if (!isMine()) return;
    found.push(...page.rows);
  }
  looks++;
  rows.merge(found, { isFirst, isFiltered: Object.keys(current.filters).length > 0 });
  showCount();
  details.refresh();
  const hub = found[0]?.hub;
  if (hub !== undefined) fill(find('hub'), printable(hub, 128));
}

const isKnown = ({ deviceId, rowKey }) => rows.get(deviceId, rowKey) !== undefined;

function showCount() {
  fill(find('history-count'), rows.size() === 0 ? '' : `${count(rows.size())}${older === undefined ? '' : '+'} shown`);
  find('more').hidden = older === undefined;
}

async function lookAtOverview(isMine) {
  if (Date.now() - overviewAt < overviewEvery) return;
  const range = times(current);
  const { policy, deviceId } = current.filters;
  const [summary, { policies }, open] = await Promise.all([
    ask('summary', { ...range, bucket: bucketOf(range) === 24 ? '1d' : `${bucketOf(range)}h` }),
    ask('policies'),
    ask('drift/open', { policy, deviceId, limit: openLimit }),
  ]);
  if (!isMine()) return;
  overviewAt = Date.now();
  last = { summary, policies, open };
  filters.offerPolicies(policies);
  overview.show(last, current);
  const isOut = open.rows.length > 0 && policy === undefined && deviceId === undefined;
  document.title = isOut
    ? `${open.rows.length}${open.cursor === undefined ? '' : '+'} out of line – Twinkeeper`
    : 'Twinkeeper';
}

function complain(problem) {
  const isOurs = problem instanceof Problem;
  const message = isOurs ? problem.message : `This page failed: ${problem?.message ?? problem}`;
  const text = `${message} ${(isOurs && problem.advice) || ''}`;
  const box = find('problem');
  // What is said already is not said again to those who listen.
  if (box.hidden || box.textContent !== printable(text)) fill(box, text);
  box.hidden = false;
  find('state').classList.remove('live');
  fill(find('state'), `Tried again in ${duration(Math.min(longestWait, rowsEvery * 2 ** Math.min(failures, 5)))}`);
  for (const empty of document.querySelectorAll('.loading')) {
    empty.classList.remove('loading');
    fill(empty, 'Not known.');
  }
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
  if (target.value === 'custom') go({ ...times(current), range: undefined });
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

find('more').addEventListener('click', async ({ currentTarget }) => {
  const mine = generation;
  currentTarget.disabled = true;
  try {
    const page = await ask('drift', { ...question, limit: 200, cursor: older });
    if (mine !== generation) return;
    older = page.cursor;
    rows.merge(page.rows, { isFirst: true, isFiltered: true });
    showCount();
  } catch (problem) {
    complain(problem);
  } finally {
    currentTarget.disabled = false;
  }
});

find('csv').addEventListener('click', async ({ currentTarget }) => {
  currentTarget.disabled = true;
  fill(currentTarget, 'Exporting…');
  try {
    const { from, to } = times(current);
    const blob = await askCsv('drift', { ...current.filters, from, to });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `twinkeeper-drift-${from.slice(0, 16)}-${to.slice(0, 16)}.csv`.replaceAll(':', '');
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    fill(find('announce'), `Exported ${counted(Math.ceil(blob.size / 1024), 'kilobyte')} as CSV.`);
  } catch (problem) {
    complain(problem);
  } finally {
    currentTarget.disabled = false;
    fill(currentTarget, 'Export CSV');
  }
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !isPaused) look();
});

showControls();
begin();
details.show(current);
