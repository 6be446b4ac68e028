/** Colours and axes that all charts share. */
import type uPlot from 'uplot';
import { clockOf, dayOf } from '../markup/index.ts';

/** The number of series that a reader can tell apart by colour. All others have one colour. */
const palette = 7;

function style(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The suffix of a series' colour in the styles: `1` to `7`, or `rest`. */
export function colourName(place: number): string {
  return place >= palette ? 'rest' : String(place + 1);
}

export function colour(place: number): string {
  return style(`--series-${colourName(place)}`);
}

/** An axis with the page's look and these settings. */
export function axis(settings: uPlot.Axis): uPlot.Axis {
  return {
    stroke: style('--muted'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: style('--line'), width: 1 },
    ticks: { show: false },
    ...settings,
  };
}

/** The width of an axis with numbers: that of its longest label. */
export function widthOfLabels(_: uPlot, labels: readonly string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => String(label).length));
  return Math.max(44, 14 + longest * 7);
}

/** Labels for an axis of times: the clock, and the day where a new day begins. */
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
