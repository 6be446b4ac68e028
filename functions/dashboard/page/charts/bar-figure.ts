/** A bar chart of counts over time. The series of a bar are stacked and have different colours. */
import type uPlot from 'uplot';
import { count, el, hour, ownValue, span } from '../markup/index.ts';
import { axis, background, type ColourName, colour, timeLabels, widthOfLabels } from './axes.ts';
import { nextBucket } from './buckets.ts';
import { createFigure, tipLine } from './figure.ts';

interface BarFigureContent {
  /** Start and end of the counted time, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Length of time that one bar covers, in hours. A day on which the clocks change is longer or shorter. */
  readonly bucketHours: number;
  /**
   * The counts of each bar by the name of the series. `from` is the start of the bar, ISO 8601. A bar without an entry has the count zero.
   */
  readonly buckets: readonly { readonly from: string; readonly counts: Readonly<Record<string, number>> }[];
  readonly names: readonly string[];
  readonly colours: readonly ColourName[];
  readonly summary: string;
  readonly empty: string;
}

interface BarFigure {
  show(content: BarFigureContent): void;
}

interface BarFigureOptions {
  readonly label: string;
  /** Called when the user drags over bars. `from` and `to` are full hours, in milliseconds since 1970. */
  onSelect(from: number, to: number): void;
}

export function createBarFigure(element: HTMLElement, { label, onSelect }: BarFigureOptions): BarFigure {
  const figure = createFigure(element, {
    height: 230,
    label,
    onSelect: (from, to) => onSelect(Math.floor((from * 1000) / hour) * hour, Math.ceil((to * 1000) / hour) * hour),
  });
  return {
    show({ from, to, bucketHours, buckets, names, colours, summary, empty }) {
      const bars = barsOf({ from, to, bucketHours, buckets });
      // The end is a full hour, unless the last hour is not over.
      const isRunning = to % hour !== 0;
      const columns = names.map((name) => bars.map(({ counts }) => ownValue(counts, name) ?? 0));
      const spans = bars.map((bar, index) => {
        const text = span(bar.begin * 1000, Math.min(bar.end * 1000, to));
        return isRunning && index === bars.length - 1 ? `${text}, so far` : text;
      });
      figure.show({
        names,
        colours,
        isRunning,
        summary,
        lines: spans,
        cells: (index) => columns.map((column) => count(column[index] ?? 0)),
        empty,
        draw: () => ({
          ...drawBars(bars, names, colours, columns, [from / 1000, endOfHour(to) / 1000]),
          ...(isRunning ? { over: (plot: uPlot) => hatch(plot, bars.at(-1), columns) } : {}),
          tipAt: (index) => [
            el('strong', {}, spans[index]),
            ...names.flatMap((name, place) => {
              const value = columns[place]?.[index] ?? 0;
              return value === 0 ? [] : [tipLine(colours[place], name, count(value))];
            }),
          ],
        }),
      });
    },
  };
}

/** One bar. `begin` and `end` are in seconds since 1970. */
interface Bar {
  readonly begin: number;
  readonly end: number;
  readonly counts: Readonly<Record<string, number>>;
}

function barsOf({
  from,
  to,
  bucketHours,
  buckets,
}: Pick<BarFigureContent, 'from' | 'to' | 'bucketHours' | 'buckets'>): readonly Bar[] {
  // The axis ends at the end of the running hour. The last bar ends there too, so it may be shorter than the others.
  const end = endOfHour(to);
  const bars: Bar[] = [];
  let left = [...buckets];
  for (let begin = from, next = from; begin < to; begin = next) {
    next = Math.min(nextBucket(begin, bucketHours), end);
    const counts: Record<string, number> = {};
    const its = left.filter((bucket) => Date.parse(bucket.from) < next);
    left = left.slice(its.length);
    for (const bucket of its) {
      for (const [name, value] of Object.entries(bucket.counts)) counts[name] = (ownValue(counts, name) ?? 0) + value;
    }
    bars.push({ begin: begin / 1000, end: next / 1000, counts });
  }
  return bars;
}

/** Hatches the last bar. */
function hatch(plot: uPlot, bar: Bar | undefined, columns: readonly (readonly number[])[]): void {
  const total = columns.reduce((sum, column) => sum + (column.at(-1) ?? 0), 0);
  if (bar === undefined || total === 0) return;
  const { ctx } = plot;
  const [left, right] = [plot.valToPos(bar.begin, 'x', true), plot.valToPos(bar.end, 'x', true)];
  const [top, floor] = [plot.valToPos(total, 'y', true), plot.valToPos(0, 'y', true)];
  const height = floor - top;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, right - left, height);
  ctx.clip();
  ctx.beginPath();
  for (let x = left - height; x < right; x += 6 * devicePixelRatio) {
    ctx.moveTo(x, floor);
    ctx.lineTo(x + height, top);
  }
  ctx.strokeStyle = background();
  ctx.lineWidth = 2.5 * devicePixelRatio;
  ctx.stroke();
  ctx.restore();
}

function endOfHour(at: number): number {
  return Math.ceil(at / hour) * hour;
}

function drawBars(
  bars: readonly Bar[],
  names: readonly string[],
  colours: readonly ColourName[],
  columns: readonly (readonly number[])[],
  [from, to]: readonly [number, number],
) {
  // The bars are stacked. Each series is drawn from zero up to the sum of its count and the counts below it. The highest sum is drawn
  // first, and lower ones are drawn over it.
  const sums = columns.map((_, place) =>
    bars.map((__, index) => columns.slice(0, place + 1).reduce((sum, column) => sum + (column[index] ?? 0), 0)),
  );
  const paths = pathsOf(bars);
  const series = names
    .map(
      (name, place): uPlot.Series => ({
        label: name,
        fill: colour(colours[place] ?? 'rest'),
        width: 0,
        paths,
        points: { show: false },
      }),
    )
    .toReversed();
  const data: uPlot.AlignedData = [bars.map(({ begin }) => begin), ...sums.toReversed()];
  return {
    data,
    options: {
      scales: {
        x: { range: [Math.min(from, bars[0]?.begin ?? from), to] },
        y: { range: (_, __, most): uPlot.Range.MinMax => [0, Math.max(4, most * 1.08)] },
      } satisfies uPlot.Scales,
      series: [{}, ...series],
      axes: [
        axis({ values: timeLabels, space: 70, size: 26 }),
        axis({
          size: widthOfLabels,
          space: 36,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6],
        }),
      ],
    },
    placeAt(plot: uPlot): number | undefined {
      const at = plot.posToVal(plot.cursor.left ?? -1, 'x');
      const index = bars.findLastIndex(({ begin }) => begin <= at);
      const bar = bars[index];
      return bar !== undefined && at < bar.end ? index : undefined;
    },
  };
}

/** Draws each bar from its start time to its end time, with a gap between two bars. */
function pathsOf(bars: readonly Bar[]): uPlot.Series.PathBuilder {
  return (plot, series, first, last) => {
    const path = new Path2D();
    const floor = plot.valToPos(0, 'y', true);
    for (const [offset, { begin, end }] of bars.slice(first, last + 1).entries()) {
      const value = plot.data[series]?.[first + offset] ?? 0;
      if (value === 0) continue;
      const [left, right] = [plot.valToPos(begin, 'x', true), plot.valToPos(end, 'x', true)];
      const top = plot.valToPos(value, 'y', true);
      const gap = Math.min((right - left) * 0.14, 6 * devicePixelRatio);
      path.rect(left + gap / 2, top, Math.max(1, right - left - gap), floor - top);
    }
    return { stroke: null, fill: path, clip: null, band: null, flags: 0 };
  };
}
