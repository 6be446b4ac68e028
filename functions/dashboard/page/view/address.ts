/**
 * Reads and writes the view in the page's address. The user can therefore share a view as a link, and use the browser's Back button. A
 * malformed part of the address is ignored.
 */
import { hour, iso, type Zone } from '../markup/index.ts';

export const filterNames = ['deviceId', 'policy', 'kind', 'outcome', 'path'] as const;
const splits = ['policy', 'kind', 'outcome'] as const;
const names = [...filterNames, 'range', 'from', 'to', 'by', 'zone', 'view', 'of', 'row', 'tag'] as const;

const rangeLengths = {
  '1h': hour,
  '24h': 24 * hour,
  '7d': 7 * 24 * hour,
  '30d': 30 * 24 * hour,
  '90d': 90 * 24 * hour,
} as const;

/** The first time that is too late, in milliseconds since 1970. The API and date inputs accept only years of four digits. */
const lastYear = Date.UTC(9000, 0);

export type FilterName = (typeof filterNames)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;
type RangeName = keyof typeof rangeLengths;
/** How the chart of drifts is split into series. */
type Split = (typeof splits)[number];

/** The time range of a view: a length of time that ends now, or a fixed start and end in ISO 8601. */
export type ViewTime =
  | { readonly range: RangeName }
  | { readonly range: 'custom'; readonly from: string; readonly to: string };

/** The content of the dialog that is open: a device, a history row, or the search for devices by a part of the id or by a tag. */
export type Panel =
  | { readonly type: 'device'; readonly deviceId: string }
  | { readonly type: 'row'; readonly deviceId: string; readonly rowKey: string }
  | { readonly type: 'find'; readonly part: string; readonly tag: string };

export interface View {
  readonly filters: Filters;
  readonly time: ViewTime;
  readonly by: Split;
  /** The time zone in which the page shows times. */
  readonly zone: Zone;
  readonly panel: Panel | undefined;
}

/** Changes of the page's address: names of query parameters with their new values. An empty or undefined value removes the parameter. */
export type Changes = Readonly<Partial<Record<(typeof names)[number], string | undefined>>>;

/** The function key in the page's address. Empty when the address has none. */
export function key(): string {
  return new URLSearchParams(location.search).get('code') ?? '';
}

/** Whether the page is at the address of operators who sign in, and needs no key. */
export function isSignedIn(): boolean {
  return location.pathname.startsWith('/api/user/');
}

/** The view in the page's current address. Missing parts have their defaults. */
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
    zone: part('zone') === 'utc' ? 'utc' : 'local',
    panel: panelOf(part('view'), part('of'), part('row'), part('tag')),
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

/** Milliseconds since 1970, or `NaN` when the time is malformed or out of range. */
function parseTime(text = ''): number {
  // The `+` of a time offset, such as `+01:00`, becomes a space when the query string is decoded.
  const at = Date.parse(text.replace(/ (?=\d\d:\d\d$)/, '+'));
  return at >= 0 && at < lastYear ? at : Number.NaN;
}

function panelOf(
  type: string | undefined,
  of: string | undefined,
  rowKey: string | undefined,
  tag: string | undefined,
): Panel | undefined {
  if (type === 'device' && of !== undefined) return { type, deviceId: of };
  if (type === 'row' && of !== undefined && rowKey !== undefined) return { type, deviceId: of, rowKey };
  if (type === 'find') return { type, part: of ?? '', tag: tag ?? '' };
  return undefined;
}

interface TimeRange {
  readonly from: string;
  readonly to: string;
}

/** Start and end of a view's time range, ISO 8601. A range without a fixed end ends at `now`, in milliseconds since 1970. */
export function timeRange(time: ViewTime, now: number): TimeRange {
  if (time.range === 'custom') return { from: time.from, to: time.to };
  return { from: iso(now - rangeLengths[time.range]), to: iso(now) };
}

/**
 * Start and end of the full hours that cover a view's time range, because the API counts full hours. A range without a fixed end ends at
 * `now`, not at the end of the hour.
 */
export function countedRange(time: ViewTime, now: number): TimeRange {
  const { from, to } = timeRange(time, now);
  const begin = Math.floor(Date.parse(from) / hour) * hour;
  const end = time.range === 'custom' ? Math.ceil(Date.parse(to) / hour) * hour : Date.parse(to);
  return { from: iso(begin), to: iso(end) };
}

/** The query string of the current address after these changes. */
export function href(changes: Changes): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  return `?${query}`;
}
