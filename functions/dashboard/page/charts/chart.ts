/** One chart, drawn by uPlot and kept up to date with the element's width and the colour scheme. */
import uPlot from 'uplot';
import { type Child, el, fill } from '../markup/index.ts';

/** Series, axes and data of a chart, and the tip for the place under the pointer. */
export interface Drawing {
  readonly options: Pick<uPlot.Options, 'scales' | 'series' | 'axes'>;
  readonly data: uPlot.AlignedData;
  /** The index of the data under the pointer. By default, the nearest one. */
  placeAt?(plot: uPlot): number | undefined;
  tipAt(index: number): readonly Child[];
}

export interface ChartOptions {
  readonly height: number;
  /** Receives the times, in seconds, between which somebody dragged. */
  readonly onSelect?: ((from: number, to: number) => void) | undefined;
}

interface Chart {
  /** Draws, and draws again whenever the chart's look changes. */
  show(draw: () => Drawing): void;
  clear(): void;
}

/** Room above and to the right, so that the label at the end of an axis is not cut in half. */
const padding: uPlot.Padding = [8, 24, 0, 0];

export function createChart(element: HTMLElement, { height, onSelect }: ChartOptions): Chart {
  let plot: uPlot | undefined;
  let drawing: (() => Drawing) | undefined;
  const tip = el('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });

  function draw(): void {
    if (drawing === undefined) return;
    plot?.destroy();
    const { options, data, placeAt = nearest, tipAt } = drawing();
    plot = new uPlot(
      {
        width: Math.max(120, Math.floor(element.clientWidth)),
        height,
        legend: { show: false },
        padding,
        ...options,
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: onSelect !== undefined, y: false, setScale: false },
        },
        hooks: {
          setCursor: [(its) => showTip(its, placeAt, tipAt)],
          setSelect: [select],
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
