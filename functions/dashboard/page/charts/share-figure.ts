/**
 * A chart of percentages over time, with one line for each name. A line is the mean of each bucket, as a step. The area below the first line goes
 * down to the smallest percentage in the bucket, so that a short dip shows.
 */
import uPlot from 'uplot';
import { clockOf, dayOf, el } from '../markup/index.ts';
import { axis, type ColourName, colour, timeLabels, widthOfLabels } from './axes.ts';
import { createFigure, tipLine } from './figure.ts';

/** One step of a line. `at` is in milliseconds since 1970, `share` and `least` in percent. */
export interface SharePoint {
  readonly at: number;
  readonly name: string;
  readonly share: number;
  /** The smallest percentage in the bucket. Undefined when it is not known. */
  readonly least?: number | undefined;
}

interface ShareFigureContent {
  /** Start and end of the shown time, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Length of a bucket, in milliseconds. Where more time lies between two points of a line, nothing was counted, and the line has a gap. */
  readonly bucketMs: number;
  readonly points: readonly SharePoint[];
  readonly names: readonly string[];
  readonly colours: readonly ColourName[];
  readonly summary: string;
  readonly empty: string;
}

interface ShareFigure {
  show(content: ShareFigureContent): void;
}

/** The values of a line by the times of the chart: null where a gap begins, undefined where only other lines have a point. */
type Column = readonly (SharePoint | null | undefined)[];

export function createShareFigure(element: HTMLElement, label: string): ShareFigure {
  const figure = createFigure(element, { height: 120, label });
  return {
    show({ from, to, bucketMs, points, names, colours, summary, empty }) {
      const byName = Map.groupBy(points, ({ name }) => name);
      const gaps = new Map(names.map((name) => [name, gapsOf(byName.get(name) ?? [], bucketMs)]));
      const times = [...new Set([...points.map(({ at }) => at), ...[...gaps.values()].flat()])].toSorted(
        (a, b) => a - b,
      );
      const columns = names.map((name): Column => {
        const at = new Map<number, SharePoint | null>((gaps.get(name) ?? []).map((time) => [time, null]));
        for (const point of byName.get(name) ?? []) at.set(point.at, point);
        return times.map((time) => at.get(time));
      });
      const lines = times.map((at) => `${dayOf(at)} ${clockOf(at)}`);
      figure.show({
        names,
        colours,
        summary,
        lines,
        cells: (index) => columns.map((column) => describe(column[index])),
        empty,
        draw: () => ({
          ...drawLines(times, { names, colours, columns }, [from / 1000, to / 1000]),
          tipAt: (index) => [
            el('strong', {}, lines[index]),
            ...names.map((name, place) => tipLine(colours[place], name, describe(columns[place]?.[index]))),
          ],
        }),
      });
    },
  };
}

/** The times at which a line has a gap. */
function gapsOf(points: readonly SharePoint[], bucketMs: number): readonly number[] {
  const times = points.map(({ at }) => at).toSorted((a, b) => a - b);
  // A local day has up to 25 hours.
  return times.flatMap((at, index) => ((times[index + 1] ?? at) - at > bucketMs * 1.1 ? [at + bucketMs] : []));
}

function describe(point: SharePoint | null | undefined): string {
  if (point === null || point === undefined) return 'not counted';
  const { share, least = share } = point;
  return least < share ? `${percentage(share)}, lowest ${percentage(least)}` : percentage(share);
}

/** Writes a percentage, rounded down to a tenth, such as `99.9 %`. */
function percentage(share: number): string {
  return `${(Math.floor(share * 10) / 10).toFixed(1)} %`;
}

function drawLines(
  times: readonly number[],
  { names, colours, columns }: { names: readonly string[]; colours: readonly ColourName[]; columns: readonly Column[] },
  [from, to]: readonly [number, number],
) {
  const seconds = times.map((at) => at / 1000);
  const first = seconds[0] ?? from;
  const valuesOf = (column: Column, value: (point: SharePoint) => number) =>
    column.map((point) => (point === null || point === undefined ? point : value(point)));
  const means = columns.map((column) => valuesOf(column, ({ share }) => share));
  const least = valuesOf(columns[0] ?? [], (point) => point.least ?? point.share);
  const lowest = Math.min(100, ...[...means, least].flat().filter((share) => typeof share === 'number'));
  const paths = uPlot.paths.stepped?.({ align: 1 });
  const lines = names.map((name, place): uPlot.Series => {
    const stroke = colour(colours[place] ?? 'rest');
    const points = { show: times.length < 3, size: 6, fill: stroke };
    return { label: name, stroke, width: place === 0 ? 2 : 1.5, points, ...(paths === undefined ? {} : { paths }) };
  });
  const floor: uPlot.Series = { label: 'lowest', points: { show: false }, ...(paths === undefined ? {} : { paths }) };
  const shade = `color-mix(in srgb, ${colour(colours[0] ?? 'rest')} 22%, transparent)`;
  return {
    data: [seconds, ...means, least] as uPlot.AlignedData,
    options: {
      scales: {
        x: { range: [Math.min(from, first), Math.max(to, first + 1)] },
        y: { range: [Math.max(0, Math.floor(lowest - (100 - lowest) * 0.15 - 1)), 100] },
      } satisfies uPlot.Scales,
      series: [{}, ...lines, floor],
      bands: [{ series: [1, names.length + 1] as [number, number], fill: shade }],
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
