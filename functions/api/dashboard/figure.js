/** A chart over time, drawn by uPlot, with what it shows in words and as a table for those who cannot see it. */
import { clockOf, dayOf, el, fill, foreign, refill } from './text.js';

/* global uPlot */

/** As many series as can be told apart; the rest are drawn as one. */
const palette = 7;

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colour of a series. */
export function colour(place) {
  return style(place >= palette ? '--series-rest' : `--series-${place + 1}`);
}

/** What is cut off of a label at the end of an axis would be half of it: so much room is left of and above the edge. */
const edge = [8, 24, 0, 0];

/** How an axis looks, with what is special about it. */
export function axis(more) {
  return {
    stroke: style('--muted'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: style('--line'), width: 1 },
    ticks: { show: false },
    ...more,
  };
}

/** As wide as the longest label of an axis with numbers. */
export function widthOf(_, labels) {
  const longest = Math.max(0, ...(labels ?? []).map((label) => String(label).length));
  return Math.max(44, 14 + longest * 7);
}

/** Labels for an axis of times. */
export function axisTimes(_, splits, __, ___, step) {
  let last = '';
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000);
    const date = dayOf(at);
    if (step >= 86_400) return date;
    const text = date === last || last === '' ? clockOf(at) : date;
    last = date;
    return text;
  });
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
    const { options, data, placeAt = (its) => its.cursor.idx, tipAt } = drawn();
    plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        padding: edge,
        ...options,
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: onSelect !== undefined, y: false, setScale: false },
        },
        hooks: {
          setCursor: [
            (its) => {
              const { left } = its.cursor;
              const place = left >= 0 ? placeAt(its) : undefined;
              tip.hidden = place === null || place === undefined;
              if (tip.hidden) return;
              fill(tip, tipAt(place));
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

/**
 * A chart with its legend, its words and its table. `show` takes the names of its series, what it says in words, the lines of its table with
 * their cells, what is said instead where there is no series, and what draws it.
 */
export function createFigure(element, { height, label, onSelect }) {
  const surface = el('div', { class: 'surface', role: 'img', 'aria-label': label });
  const nothing = el('p', { class: 'empty' });
  const legend = el('ul', { class: 'legend' });
  const table = el('details', { class: 'as-table' });
  element.append(surface, nothing, legend, table);
  for (const part of [nothing, legend, table]) part.hidden = true;
  const chart = createChart(surface, { height, onSelect });
  let told;
  return {
    show({ names, says, lines, cells, empty, draw }) {
      const isEmpty = names.length === 0;
      fill(nothing, empty);
      nothing.hidden = !isEmpty;
      surface.hidden = isEmpty;
      legend.hidden = isEmpty;
      table.hidden = isEmpty;
      if (isEmpty) return chart.clear();
      surface.setAttribute('aria-label', `${label}: ${says}`);
      chart.show(draw);
      // Somebody may be reading the table.
      const telling = JSON.stringify([names, lines, lines.map((_, index) => cells(index))]);
      if (telling === told) return;
      told = telling;
      fill(
        legend,
        names.map((name, place) => el('li', {}, swatch(place), foreign(name, 60))),
      );
      const heads = names.map((name) => el('th', { scope: 'col', class: 'number' }, foreign(name, 60)));
      const body = lines.map((line, index) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, line),
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
            el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'time'), heads)),
            el('tbody', {}, body),
          ),
        ),
      );
    },
  };
}

function swatch(place) {
  return el('i', { class: `swatch s${place >= palette ? 'rest' : place + 1}`, 'aria-hidden': 'true' });
}

/** A series and its value, where somebody points. */
export function tipLine(place, name, value) {
  return el('div', {}, swatch(place), foreign(name, 40), el('b', {}, value));
}
