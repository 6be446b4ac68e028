/** Colours and axes of the charts. */
import type uPlot from 'uplot';
import { clockOf, dayOf } from '../markup/index.ts';

/** The number of series that have a colour of their own. All further series share one colour. */
const palette = 7;

function style(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The number of greys for series that are not the work of Twinkeeper. */
const greys = 3;

/**
 * The name of a series' colour: `1` to `7`, `rest`, `grey-1` to `grey-3`, or `fleet` for the line of the whole fleet. CSS has the colour as
 * `--series-<name>`.
 */
export type ColourName = string;

/** The colours of series, in order. Each series has a colour of its own, or a grey where `isGrey` says so. */
export function colourNames(names: readonly string[], isGrey: (name: string) => boolean = () => false): ColourName[] {
  let [own, grey] = [0, 0];
  return names.map((name) => {
    if (isGrey(name)) return `grey-${(grey++ % greys) + 1}`;
    own++;
    return own > palette ? 'rest' : String(own);
  });
}

export function colour(name: ColourName): string {
  return style(`--series-${name}`);
}

/** The colour behind the charts. */
export function background(): string {
  return style('--card');
}

/** Makes the settings of a chart axis: the style of the page's axes, overridden by `settings`. */
export function axis(settings: uPlot.Axis): uPlot.Axis {
  return {
    stroke: style('--muted'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: style('--line'), width: 1 },
    ticks: { show: false },
    ...settings,
  };
}

/** The width in pixels of an axis with numbers. It depends on the longest label. */
export function widthOfLabels(_: uPlot, labels: readonly string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => String(label).length));
  return Math.max(44, 14 + longest * 7);
}

/** Labels for a time axis. A label shows hour and minute. The first label of a new day shows the day instead. */
export function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  let last = '';
  return splits.map((seconds) => {
    const at = seconds * 1000;
    const date = dayOf(at);
    if (step >= 86_400) return date;
    const text = date === last || last === '' ? clockOf(at) : date;
    last = date;
    return text;
  });
}
