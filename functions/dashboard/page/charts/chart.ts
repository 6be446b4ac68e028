/** A chart that uPlot draws. The chart is drawn again when the width of its element or the colour scheme changes. */
import uPlot from 'uplot';
import { type Child, el, fill, shownZone } from '../markup/index.ts';

/** The content of a chart: its series, axes and data, and the text of the tooltip at the pointer. */
export interface Drawing {
  readonly options: Pick<uPlot.Options, 'scales' | 'series' | 'axes' | 'bands'>;
  readonly data: uPlot.AlignedData;
  /** The index of the data under the pointer. Undefined when there is none. By default, the nearest index that uPlot finds. */
  placeAt?(plot: uPlot): number | undefined;
  tipAt(index: number): readonly Child[];
  /** Draws on top of the series. */
  over?(plot: uPlot): void;
}

export interface ChartOptions {
  readonly height: number;
  /** Called when the user drags over the chart. `from` and `to` are in seconds since 1970. */
  readonly onSelect?: ((from: number, to: number) => void) | undefined;
}

interface Chart {
  /** Draws the chart. `draw` is called again for each later redraw. */
  show(draw: () => Drawing): void;
  clear(): void;
}

/** Space in pixels at the top and the right, so that the label at the end of an axis is not cut off. */
const padding: uPlot.Padding = [8, 24, 0, 0];

export function createChart(element: HTMLElement, { height, onSelect }: ChartOptions): Chart {
  let plot: uPlot | undefined;
  let drawing: (() => Drawing) | undefined;
  const tip = el('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });

  function draw(): void {
    if (drawing === undefined) return;
    plot?.destroy();
    const { options, data, placeAt = nearest, tipAt, over = () => {} } = drawing();
    plot = new uPlot(
      {
        width: Math.max(120, Math.floor(element.clientWidth)),
        height,
        legend: { show: false },
        padding,
        // The marks of the time axis stand at full hours and days of the zone in which the page shows times.
        ...(shownZone() === 'utc' ? { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1000), 'Etc/UTC') } : {}),
        ...options,
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: onSelect !== undefined, y: false, setScale: false },
        },
        hooks: {
          setCursor: [(its) => showTip(its, placeAt, tipAt)],
          setSelect: [select],
          draw: [over],
        },
      },
      data,
      element,
    );
    plot.root.setAttribute('aria-hidden', 'true');
    element.append(tip);
  }

  function nearest(its: uPlot): number | undefined {
    return its.cursor.idx ?? undefined;
  }

  function showTip(its: uPlot, placeAt: (its: uPlot) => number | undefined, tipAt: Drawing['tipAt']): void {
    const { left = -1 } = its.cursor;
    const place = left >= 0 ? placeAt(its) : undefined;
    tip.hidden = place === undefined;
    if (place === undefined) return;
    fill(tip, tipAt(place));
    const room = element.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(0, Math.min(room, its.bbox.left / devicePixelRatio + left + 12))}px`;
  }

  function select(its: uPlot): void {
    if (its.select.width < 6) return;
    const from = its.posToVal(its.select.left, 'x');
    const to = its.posToVal(its.select.left + its.select.width, 'x');
    its.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    onSelect?.(from, to);
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
      drawing = next;
      draw();
    },
    clear() {
      drawing = undefined;
      plot?.destroy();
      plot = undefined;
      tip.remove();
    },
  };
}
