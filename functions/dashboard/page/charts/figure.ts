/** A chart with a legend. For readers who cannot see the chart, the same numbers are there as a sentence and as a table. */

import { el, fill, foreign, refill } from '../markup/index.ts';
import type { ColourName } from './axes.ts';
import { type ChartOptions, createChart, type Drawing } from './chart.ts';

interface FigureOptions extends ChartOptions {
  /** The name of the chart for screen readers. */
  readonly label: string;
}

interface FigureContent {
  /** Names of the series, in the order of their colours. */
  readonly names: readonly string[];
  readonly colours: readonly ColourName[];
  /** Whether the last bar is hatched, because its time is not over. */
  readonly isRunning?: boolean;
  /** The numbers of the chart as a sentence, for screen readers. */
  readonly summary: string;
  /** The first column of the table, with one text for each line. */
  readonly lines: readonly string[];
  /** The other cells of a table line, one for each series. */
  cells(index: number): readonly string[];
  /** The text that is shown instead of the chart when there are no series. */
  readonly empty: string;
  draw(): Drawing;
}

interface Figure {
  show(content: FigureContent): void;
}

export function createFigure(element: HTMLElement, { label, ...options }: FigureOptions): Figure {
  const surface = el('div', { class: 'surface waiting', role: 'img', 'aria-label': `${label}: loading` });
  const nothing = el('p', { class: 'empty', hidden: true });
  const legend = el('ul', { class: 'legend', hidden: true });
  const table = el('details', { class: 'as-table', hidden: true });
  element.append(surface, nothing, legend, table);
  const chart = createChart(surface, options);
  let shown: string | undefined;
  return {
    show({ names, colours, isRunning = false, summary, lines, cells, empty, draw }) {
      surface.classList.remove('waiting');
      const isEmpty = names.length === 0;
      fill(nothing, empty);
      nothing.hidden = !isEmpty;
      for (const part of [surface, legend, table]) part.hidden = isEmpty;
      if (isEmpty) return chart.clear();
      surface.setAttribute('aria-label', `${label}: ${summary}`);
      chart.show(draw);
      // The table is replaced only when its numbers change, because the user may be reading it.
      const numbers = JSON.stringify([names, isRunning, lines, lines.map((_, index) => cells(index))]);
      if (numbers === shown) return;
      shown = numbers;
      fill(
        legend,
        names.map((name, place) => el('li', {}, swatch(colours[place]), foreign(name, 60))),
        isRunning && el('li', {}, swatch('running'), 'hatched: not over yet'),
      );
      refill(
        table,
        el('summary', {}, 'As a table'),
        el(
          'div',
          { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${label}, as a table` },
          numbersTable(names, lines, cells),
        ),
      );
    },
  };
}

function numbersTable(
  names: readonly string[],
  lines: readonly string[],
  cells: (index: number) => readonly string[],
): HTMLElement {
  const heads = names.map((name) => el('th', { scope: 'col', class: 'number' }, foreign(name, 60)));
  const body = lines.map((line, index) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, line),
      cells(index).map((cell) => el('td', { class: 'number' }, cell)),
    ),
  );
  return el(
    'table',
    {},
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'time'), heads)),
    el('tbody', {}, body),
  );
}

function swatch(colour: ColourName = 'rest'): HTMLElement {
  return el('i', { class: `swatch s${colour}`, 'aria-hidden': 'true' });
}

/** One line of a tooltip: the colour, the name and the value of a series. */
export function tipLine(colour: ColourName | undefined, name: string, value: string): HTMLElement {
  return el('div', {}, swatch(colour), foreign(name, 40), el('b', {}, value));
}
