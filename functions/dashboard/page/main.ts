/**
 * The entry file of the page's script. It connects the parts of the page. The page's address holds the current view, and each part shows
 * that view.
 */

import { appNow, ask } from './api/index.ts';
import { bucketStart, zoneName } from './charts/index.ts';
import { createDetails } from './details/index.ts';
import { createHealthStrip } from './health/index.ts';
import { createFilterForm, createHistory, createHistoryTable, exportCsv } from './history/index.ts';
import { fill, find, hour, iso, printable, showTimesIn } from './markup/index.ts';
import { createOverview, type OverviewData } from './overview/index.ts';
import { hideProblem, type ProblemSource, showProblem } from './problem-box.ts';
import { createRefresh } from './refresh.ts';
import { createTimeControls } from './time-controls.ts';
import { countedRange, onView, timeRange, type View, view } from './view/index.ts';

/** Shortest time between two reads of the overview's data, in milliseconds. With filters, the app counts rows for each read. */
const overviewInterval = 10_000;
const filteredInterval = 30_000;

/** Largest number of open rows in the overview's list. */
const openLimit = 100;

/** Largest number of dead letters in the overview's list. */
const deadLetterLimit = 20;

/** Largest number of actions in the overview's list. */
const actionLimit = 20;

const overview = createOverview();
const health = createHealthStrip();
const table = createHistoryTable();
const filterForm = createFilterForm();
const timeControls = createTimeControls();
const details = createDetails((key) => table.get(key));
const history = createHistory({
  table,
  now: appNow,
  onShown([row]) {
    details.refresh();
    if (row !== undefined) fill(find('hub'), printable(row.hub, 128));
  },
});
const refresh = createRefresh({
  look: (isCurrent) => [history.look(isCurrent), readOverview(isCurrent), health.look(isCurrent)],
  isWell: () => health.isWell(),
  onLooked: (hasFailed) => overview.markOld(hasFailed),
});

let current = view();
let overviewData: OverviewData | undefined;
let overviewReadAt = 0;

/** Starts a new history list and reads all data of the current view. */
function begin(): void {
  const { filters, time } = current;
  const { from, to } = timeRange(time, appNow());
  const isFiltered = Object.keys(filters).length > 0;
  history.begin({ ...filters, from, to: time.range === 'custom' ? to : undefined }, isFiltered);
  overviewReadAt = 0;
  refresh.restart();
}

async function readOverview(isCurrent: () => boolean): Promise<void> {
  const isFiltered = Object.keys(current.filters).length > 0;
  if (Date.now() - overviewReadAt < (isFiltered ? filteredInterval : overviewInterval)) return;
  const range = countedRange(current.time, appNow());
  const bucketHours = bucketHoursOf((Date.parse(range.to) - Date.parse(range.from)) / hour);
  // A range that ends now begins with a whole bucket.
  const from = current.time.range === 'custom' ? range.from : iso(bucketStart(Date.parse(range.from), bucketHours));
  const zone = bucketHours === 1 ? undefined : zoneName();
  const { policy, deviceId } = current.filters;
  const [summary, { policies, fleet }, open, { sweeps }, deadLetters, actions] = await Promise.all([
    ask('summary', {
      ...current.filters,
      ...range,
      from,
      zone,
      bucket: bucketHours === 24 ? '1d' : `${bucketHours}h`,
    }),
    ask('policies'),
    ask('drift/open', { policy, deviceId, limit: openLimit }),
    ask('sweeps', { limit: 1 }),
    ask('dead-letters', { limit: deadLetterLimit }),
    ask('actions', { policy, limit: actionLimit }),
  ]);
  if (!isCurrent()) return;
  overviewReadAt = Date.now();
  overviewData = { summary, policies, fleet, open, sweep: sweeps[0], deadLetters, actions, bucketHours };
  filterForm.offerPolicies(policies);
  overview.show(overviewData, current);
}

/**
 * The length of one bar of the chart, in hours: 1, 6 or 24. `hours` is the length of the shown time. The chart gets neither too few nor too
 * many bars.
 */
function bucketHoursOf(hours: number): number {
  if (hours <= 49) return 1;
  return hours <= 24 * 10 ? 6 : 24;
}

function showControls(): void {
  filterForm.show(current.filters);
  timeControls.show(current);
}

onView((next) => {
  const questionOf = ({ filters, time }: View) => JSON.stringify([filters, time]);
  const isOther = questionOf(next) !== questionOf(current);
  const isZoneOther = next.zone !== current.zone;
  const isShownOther = next.by !== current.by || isZoneOther;
  current = next;
  showTimesIn(current.zone);
  showControls();
  if (isOther) begin();
  else if (isShownOther && overviewData !== undefined) {
    overview.show(overviewData, current);
    // The days and hours of the charts begin at other times.
    if (isZoneOther) overviewReadAt = 0;
  }
  details.show(current.panel);
});

find('newest').addEventListener('click', () => {
  begin();
  find('history').focus();
});

/** Calls `work` when the user presses the button. The button is disabled until `work` ends. An error is shown in the problem box. */
function onPress(id: ProblemSource, work: () => Promise<void>): void {
  const button = find(id, HTMLButtonElement);
  button.addEventListener('click', async () => {
    hideProblem();
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      showProblem(error, id);
    } finally {
      button.disabled = false;
    }
  });
}

onPress('more', () => history.more());
onPress('csv', () => exportCsv(current));

showTimesIn(current.zone);
showControls();
document.body.classList.remove('parsing');
begin();
details.show(current.panel);
