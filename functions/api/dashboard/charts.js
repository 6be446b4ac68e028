/** Charts over time, drawn by uPlot, each with what it shows in words and as a table for those who cannot see it. */
import { count, el, fill, foreign, refill } from './text.js';

/* global uPlot */

/** As many series as can be told apart; the rest are drawn as one. */
const palette = 7;

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function colour(place) {
  return style(place >= palette ? '--series-rest' : `--series-${place + 1}`);
}

function axis(more) {
  return {
    stroke: style('--muted'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: style('--line'), width: 1 },
    ticks: { show: false },
    ...more,
  };
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

function axisTimes(_, splits, __, ___, step) {
  let last = '';
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000);
    const date = dayFormat.format(at);
    if (step >= 86_400) return date;
    const text = date === last || last === '' ? timeFormat.format(at) : date;
    last = date;
    return text;
  });
}

function moment(seconds) {
  const at = new Date(seconds * 1000);
  return `${dayFormat.format(at)} ${timeFormat.format(at)}`;
}

/**
 * A chart in this element, which is drawn anew when the element's width or the colour scheme changes. `draw` makes uPlot's options and data;
 * `onSelect` is given the times, in seconds, between which somebody dragged.
 */
function createChart(element, { height, onSelect }) {
  let plot;
  let drawn;
  const tip = el('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });

  function draw() {
    if (drawn === undefined) return;
    plot?.destroy();
    const width = Math.max(120, Math.floor(element.clientWidth));
    const { options, data, tipAt } = drawn();
    plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        padding: [8, 4, 0, 0],
        ...options,
        cursor: { y: false, points: { show: false }, drag: { x: onSelect !== undefined, y: false, setScale: false } },
        hooks: {
          setCursor: [
            (its) => {
              const { idx, left } = its.cursor;
              const isOver = idx !== null && idx !== undefined && left >= 0;
              tip.hidden = !isOver;
              if (!isOver) return;
              fill(tip, tipAt(idx));
              const room = element.clientWidth - tip.offsetWidth - 4;
              tip.style.left = `${Math.max(0, Math.min(room, its.bbox.left / devicePixelRatio + left + 12))}px`;
            },
          ],
          setSelect: [
            (its) => {
              if (its.select.width < 6) return;
              const from = its.posToVal(its.select.left, 'x');
              const to = its.posToVal(its.select.left + its.select.width, 'x');
              its.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              onSelect?.(from, to);
            },
          ],
        },
      },
      data,
      element,
    );
    plot.root.setAttribute('aria-hidden', 'true');
    element.append(tip);
  }

  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    draw();
  }).observe(element);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  return {
    show(next) {
      drawn = next;
      draw();
    },
    clear() {
      drawn = undefined;
      plot?.destroy();
      plot = undefined;
      tip.remove();
    },
  };
}

/** A chart with its legend, its words and its table. */
function createFigure(element, { height, label, empty, onSelect }) {
  const surface = el('div', { class: 'surface', role: 'img', 'aria-label': label });
  const nothing = el('p', { class: 'empty' }, empty);
  const legend = el('ul', { class: 'legend' });
  const table = el('details', { class: 'as-table' });
  element.append(surface, nothing, legend, table);
  for (const part of [nothing, legend, table]) part.hidden = true;
  const chart = createChart(surface, { height, onSelect });
  let told;
  return {
    show({ names, says, xs, cells, draw }) {
      const isEmpty = names.length === 0;
      nothing.hidden = !isEmpty;
      surface.hidden = isEmpty;
      legend.hidden = isEmpty;
      table.hidden = isEmpty;
      if (isEmpty) return chart.clear();
      surface.setAttribute('aria-label', `${label}: ${says}`);
      chart.show(draw);
      // Somebody may be reading the table.
      const telling = JSON.stringify([names, xs, xs.map((_, index) => cells(index))]);
      if (telling === told) return;
      told = telling;
      fill(
        legend,
        names.map((name, place) => el('li', {}, swatch(place), foreign(name, 60))),
      );
      const heads = names.map((name) => el('th', { scope: 'col', class: 'number' }, foreign(name, 60)));
      const lines = xs.map((x, index) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, moment(x)),
          cells(index).map((cell) => el('td', { class: 'number' }, cell)),
        ),
      );
      refill(
        table,
        el('summary', {}, 'As a table'),
        el(
          'div',
          { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${label}, as a table` },
          el(
            'table',
            {},
            el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'from'), heads)),
            el('tbody', {}, lines),
          ),
        ),
      );
    },
  };
}

function swatch(place) {
  return el('i', { class: `swatch s${place >= palette ? 'rest' : place + 1}`, 'aria-hidden': 'true' });
}

function tipLine(place, name, value) {
  return el('div', {}, swatch(place), foreign(name, 40), el('b', {}, value));
}

/** Bars on top of each other. `show` takes when the first one begins and the last one ends, how long each is, in ms, and the counts. */
export function stackedBars(element, { label, empty, onSelect }) {
  const figure = createFigure(element, { height: 230, label, empty, onSelect });
  return {
    show({ from, to, bucketMs, buckets, names, says }) {
      const counts = new Map(buckets.map((bucket) => [Date.parse(bucket.from), bucket.counts]));
      const first = Math.min(...counts.keys());
      const xs = [];
      // A bucket in which nothing was counted is one of nought.
      const start = first - Math.max(0, Math.floor((first - from) / bucketMs)) * bucketMs;
      for (let at = start; at < to; at += bucketMs) xs.push(at / 1000);
      const valueAt = (name, x) => counts.get(x * 1000)?.[name] ?? 0;
      const columns = names.map((name) => xs.map((x) => valueAt(name, x)));
      figure.show({
        names,
        says,
        xs,
        cells: (index) => columns.map((column) => count(column[index])),
        draw() {
          // The highest stack is drawn first, and the lower ones over it.
          const sums = columns.map((_, place) =>
            xs.map((__, index) => columns.slice(0, place + 1).reduce((sum, column) => sum + column[index], 0)),
          );
          const bars = uPlot.paths.bars({ size: [0.82, 64], align: 1 });
          const series = names
            .map((name, place) => ({
              label: name,
              fill: colour(place),
              width: 0,
              paths: bars,
              points: { show: false },
            }))
            .toReversed();
          return {
            data: [xs, ...sums.toReversed()],
            options: {
              scales: {
                x: { range: [Math.min(from, start) / 1000, Math.max(to / 1000, (xs.at(-1) ?? 0) + bucketMs / 1000)] },
                y: { range: (_, __, most) => [0, Math.max(4, most * 1.08)] },
              },
              series: [{}, ...series],
              axes: [
                axis({ values: axisTimes, space: 70, size: 26 }),
                axis({
                  size: 44,
                  space: 36,
                  incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6],
                }),
              ],
            },
            tipAt: (index) => [
              el('strong', {}, moment(xs[index])),
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

/** Shares over time, as percentages. `points` are `{ at (ms), name, share }`. */
export function shareLines(element, { label, empty }) {
  const figure = createFigure(element, { height: 120, label, empty });
  return {
    show({ from, to, points, names, says }) {
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
        xs,
        cells: (index) => columns.map((column) => shown(column[index])),
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
                axis({ size: 44, space: 28, values: (_, splits) => splits.map((split) => `${split} %`) }),
              ],
            },
            tipAt: (index) => [
              el('strong', {}, moment(xs[index])),
              ...names.map((name, place) => tipLine(place, name, shown(columns[place][index]))),
            ],
          };
        },
      });
    },
  };
}
