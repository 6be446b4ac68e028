/** A line chart of percentages over time, with one line for each name. */
import type uPlot from 'uplot';
import { clockOf, dayOf, el } from '../markup/index.ts';
import { axis, colour, timeLabels, widthOfLabels } from './axes.ts';
import { createFigure, tipLine } from './figure.ts';

/** One point of a line. `at` is in milliseconds since 1970, `share` in percent. */
interface SharePoint {
  readonly at: number;
  readonly name: string;
  readonly share: number;
}

interface ShareFigureContent {
  /** Start and end of the shown time, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly points: readonly SharePoint[];
  readonly names: readonly string[];
  readonly summary: string;
  readonly empty: string;
}

interface ShareFigure {
  show(content: ShareFigureContent): void;
}

export function createShareFigure(element: HTMLElement, label: string): ShareFigure {
  const figure = createFigure(element, { height: 120, label });
  return {
    show({ from, to, points, names, summary, empty }) {
      const times = [...new Set(points.map(({ at }) => at / 1000))].toSorted((a, b) => a - b);
      const columns = names.map((name) => {
        const shares = new Map(
          points.filter((point) => point.name === name).map(({ at, share }) => [at / 1000, share]),
        );
        return times.map((at) => shares.get(at) ?? null);
      });
      const lines = times.map((at) => `${dayOf(at * 1000)} ${clockOf(at * 1000)}`);
      figure.show({
        names,
        summary,
        lines,
        cells: (index) => columns.map((column) => percentage(column[index])),
        empty,
        draw: () => ({
          ...drawLines(times, names, columns, [from / 1000, to / 1000]),
          tipAt: (index) => [
            el('strong', {}, lines[index]),
            ...names.map((name, place) => tipLine(place, name, percentage(columns[place]?.[index]))),
          ],
        }),
      });
    },
  };
}

/** Writes a percentage, rounded down to a tenth, such as `99.9 %`. Writes a dash when the share is not known. */
function percentage(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${(Math.floor(share * 10) / 10).toFixed(1)} %`;
}

function drawLines(
  times: number[],
  names: readonly string[],
  columns: readonly (number | null)[][],
  [from, to]: readonly [number, number],
) {
  const first = times[0] ?? from;
  const least = Math.min(100, ...columns.flat().filter((share) => share !== null));
  const data: uPlot.AlignedData = [times, ...columns];
  const series = names.map(
    (name, place): uPlot.Series => ({
      label: name,
      stroke: colour(place),
      width: 2,
      spanGaps: true,
      points: { show: times.length < 3, size: 6, fill: colour(place) },
    }),
  );
  return {
    data,
    options: {
      scales: {
        x: { range: [Math.min(from, first), Math.max(to, first + 1)] },
        y: { range: [Math.max(0, Math.floor(least - (100 - least) * 0.15 - 1)), 100] },
      } satisfies uPlot.Scales,
      series: [{}, ...series],
      axes: [
        axis({ values: timeLabels, space: 70, size: 26 }),
        axis({
          size: widthOfLabels,
          space: 28,
          values: (_: uPlot, marks: number[]) => marks.map((mark) => `${mark} %`),
        }),
      ],
    },
  };
}
