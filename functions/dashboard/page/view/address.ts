/** The page's address names the view: a view can be shared, and Back works. Nonsense in the address counts as absent. */
import { hour, iso } from '../markup/index.ts';

export const filterNames = ['deviceId', 'policy', 'kind', 'outcome', 'path'] as const;
const splits = ['policy', 'kind', 'outcome'] as const;
const names = [...filterNames, 'range', 'from', 'to', 'by', 'view', 'of', 'row'] as const;

const rangeLengths = {
  '1h': hour,
  '24h': 24 * hour,
  '7d': 7 * 24 * hour,
  '30d': 30 * 24 * hour,
  '90d': 90 * 24 * hour,
} as const;

/** The end of the dates that the API and a date input accept. */
const lastYear = Date.UTC(9000, 0);

export type FilterName = (typeof filterNames)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;
type RangeName = keyof typeof rangeLengths;
/** How the chart of departures is split. */
type Split = (typeof splits)[number];

/** A time that ends now, or one with an end of its own. Times are ISO 8601. */
export type ViewTime =
  | { readonly range: RangeName }
  | { readonly range: 'custom'; readonly from: string; readonly to: string };

/** The panel that is open beside the page. */
export type Panel =
  | { readonly type: 'device'; readonly deviceId: string }
  | { readonly type: 'row'; readonly deviceId: string; readonly rowKey: string };

export interface View {
  readonly filters: Filters;
  readonly time: ViewTime;
  readonly by: Split;
  readonly panel: Panel | undefined;
}

/** Parts of the address and their new values. An empty or undefined value removes the part. */
export type Changes = Readonly<Partial<Record<(typeof names)[number], string | undefined>>>;

/** The function key that the page was opened with. */
export function key(): string {
  return new URLSearchParams(location.search).get('code') ?? '';
}

/** The view that the address names, with defaults for the rest. */
export function view(): View {
  const query = new URLSearchParams(location.search);
  const part = (name: (typeof names)[number]) => query.get(name) || undefined;
  return {
    filters: Object.fromEntries(
      filterNames.flatMap((name) => {
        const value = part(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    time: viewTime(part('range'), part('from'), part('to')),
    by: splits.find((split) => split === part('by')) ?? 'policy',
    panel: panelOf(part('view'), part('of'), part('row')),
  };
}

function viewTime(range: string | undefined, from: string | undefined, to: string | undefined): ViewTime {
  const [begin, end] = [parseTime(from), parseTime(to)];
  if (begin < end) return { range: 'custom', from: iso(begin), to: iso(end) };
  return { range: range !== undefined && isRange(range) ? range : '24h' };
}

function isRange(text: string): text is RangeName {
  return Object.hasOwn(rangeLengths, text);
}

/** Milliseconds since 1970, or `NaN`. */
function parseTime(text = ''): number {
  // In a query, `+` stands for a space.
  const at = Date.parse(text.replace(/ (?=\d\d:\d\d$)/, '+'));
  return at >= 0 && at < lastYear ? at : Number.NaN;
}

function panelOf(
  type: string | undefined,
  deviceId: string | undefined,
  rowKey: string | undefined,
): Panel | undefined {
  if (type === 'device' && deviceId !== undefined) return { type, deviceId };
  if (type === 'row' && deviceId !== undefined && rowKey !== undefined) return { type, deviceId, rowKey };
  return undefined;
}

interface TimeRange {
  readonly from: string;
  readonly to: string;
}

/** Begin and end of a view's time. A time without an end of its own ends at `now`, in milliseconds. */
export function timeRange(time: ViewTime, now: number): TimeRange {
  if (time.range === 'custom') return { from: time.from, to: time.to };
  return { from: iso(now - rangeLengths[time.range]), to: iso(now) };
}

/** The same in whole hours, as the API counts: from the start of the first hour to the end of the last one, or to `now`. */
export function countedRange(time: ViewTime, now: number): TimeRange {
  const { from, to } = timeRange(time, now);
  const begin = Math.floor(Date.parse(from) / hour) * hour;
  const end = time.range === 'custom' ? Math.ceil(Date.parse(to) / hour) * hour : Date.parse(to);
  return { from: iso(begin), to: iso(end) };
}

/** The current address with these changes. */
export function href(changes: Changes): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  return `?${query}`;
}
