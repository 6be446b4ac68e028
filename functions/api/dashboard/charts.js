/** What the page draws over time: counts as bars, shares as lines. */
import { axis, axisTimes, colour, createFigure, tipLine, widthOf } from './figure.js';
import { clockOf, count, dayOf, el, span } from './text.js';

/* global uPlot */

const hour = 3_600_000;

/** Bars from where each begins to where it ends, with a little air between them. */
function barsBetween(begins, ends) {
  return (plot, series, first, last) => {
    const path = new Path2D();
    const place = (value, scale) => plot.valToPos(value, scale, true);
    const floor = place(0, 'y');
    for (let index = first; index <= last; index++) {
      const value = plot.data[series][index];
      if (!value) continue;
      const [left, right, top] = [place(begins[index], 'x'), place(ends[index], 'x'), place(value, 'y')];
      const air = Math.min((right - left) * 0.14, 6 * devicePixelRatio);
      path.rect(left + air / 2, top, Math.max(1, right - left - air), floor - top);
    }
    return { stroke: null, fill: path, clip: null, band: null, gaps: null, flags: 0 };
  };
}

/**
 * Bars on top of each other. `show` takes the time that was counted and how long each bar is, in ms, and the counts by where each bar begins;
 * `onSelect` is given the whole hours, in ms, that somebody dragged over.
 */
export function stackedBars(element, { label, onSelect }) {
  const outwards = (from, to) =>
    onSelect(Math.floor((from * 1000) / hour) * hour, Math.ceil((to * 1000) / hour) * hour);
  const figure = createFigure(element, { height: 230, label, onSelect: outwards });
  return {
    show({ from, to, bucketMs, buckets, names, says, empty }) {
      const counts = new Map(buckets.map((bucket) => [Date.parse(bucket.from), bucket.counts]));
      const first = Math.min(...counts.keys());
      // A bucket in which nothing was counted is one of nought.
      const start = first - Math.max(0, Math.floor((first - from) / bucketMs)) * bucketMs;
      const begins = [];
      for (let at = start; at < to; at += bucketMs) begins.push(at / 1000);
      // The hour that is running has its place to its end; of several in one bar, some may not have been asked for.
      const end = Math.ceil(to / hour) * hour;
      const ends = begins.map((begin) => Math.min(begin + bucketMs / 1000, end / 1000));
      const spans = begins.map((begin, index) => span(begin * 1000, Math.min(ends[index] * 1000, to)));
      const columns = names.map((name) => begins.map((begin) => own(counts.get(begin * 1000), name)));
      figure.show({
        names,
        says,
        lines: spans,
        cells: (index) => columns.map((column) => count(column[index])),
        empty,
        draw() {
          // The highest stack is drawn first, and the lower ones over it.
          const sums = columns.map((_, place) =>
            begins.map((__, index) => columns.slice(0, place + 1).reduce((sum, column) => sum + column[index], 0)),
          );
          const paths = barsBetween(begins, ends);
          const series = names
            .map((name, place) => ({ label: name, fill: colour(place), width: 0, paths, points: { show: false } }))
            .toReversed();
          return {
            data: [begins, ...sums.toReversed()],
            options: {
              scales: {
                x: { range: [Math.min(from, start) / 1000, Math.max(end / 1000, ends.at(-1) ?? 0)] },
                y: { range: (_, __, most) => [0, Math.max(4, most * 1.08)] },
              },
              series: [{}, ...series],
              axes: [
                axis({ values: axisTimes, space: 70, size: 26 }),
                axis({
                  size: widthOf,
                  space: 36,
                  incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6],
                }),
              ],
            },
            placeAt(plot) {
              const at = plot.posToVal(plot.cursor.left, 'x');
              const index = begins.findLastIndex((begin) => begin <= at);
              return at < ends[index] ? index : undefined;
            },
            tipAt: (index) => [
              el('strong', {}, spans[index]),
              ...names.flatMap((name, place) => {
                const value = columns[place][index];
                return value === 0 ? [] : [tipLine(place, name, count(value))];
              }),
            ],
          };
        },
      });
    },
  };
}

/** A count of those that an object has of its own: a policy may be called `constructor`. */
function own(counts, name) {
  return counts !== undefined && Object.hasOwn(counts, name) ? counts[name] : 0;
}

/** Shares over time, as percentages. `points` are `{ at (ms), name, share }`. */
export function shareLines(element, { label }) {
  const figure = createFigure(element, { height: 120, label });
  return {
    show({ from, to, points, names, says, empty }) {
      const xs = [...new Set(points.map(({ at }) => at / 1000))].toSorted((a, b) => a - b);
      const columns = names.map((name) => {
        const its = new Map(points.filter((point) => point.name === name).map(({ at, share }) => [at / 1000, share]));
        return xs.map((x) => its.get(x) ?? null);
      });
      const least = Math.min(100, ...points.map(({ share }) => share));
      const shown = (share) => (share === null ? '–' : `${(Math.floor(share * 10) / 10).toFixed(1)} %`);
      figure.show({
        names,
        says,
        lines: xs.map((x) => `${dayOf(x * 1000)} ${clockOf(x * 1000)}`),
        cells: (index) => columns.map((column) => shown(column[index])),
        empty,
        draw() {
          const series = names.map((name, place) => ({
            label: name,
            stroke: colour(place),
            width: 2,
            spanGaps: true,
            points: { show: xs.length < 3, size: 6, fill: colour(place) },
          }));
          return {
            data: [xs, ...columns],
            options: {
              scales: {
                x: { range: [Math.min(from / 1000, xs[0]), Math.max(to / 1000, xs[0] + 1)] },
                y: { range: [Math.max(0, Math.floor(least - (100 - least) * 0.15 - 1)), 100] },
              },
              series: [{}, ...series],
              axes: [
                axis({ values: axisTimes, space: 70, size: 26 }),
                axis({ size: widthOf, space: 28, values: (_, splits) => splits.map((split) => `${split} %`) }),
              ],
            },
            tipAt: (index) => [
              el('strong', {}, `${dayOf(xs[index] * 1000)} ${clockOf(xs[index] * 1000)}`),
              ...names.map((name, place) => tipLine(place, name, shown(columns[place][index]))),
            ],
          };
        },
      });
    },
  };
}
