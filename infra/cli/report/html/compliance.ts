import type { ComplianceSpan } from '../compliance-spans.ts';
import type { Report } from '../report.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';
import { counted, grouped, percentage } from './words.ts';

const [width, height] = [720, 190];
const [left, right, top, bottom] = [58, 10, 12, 26];

/** The compliance of the fleet and of each policy over time: a chart, and the same numbers as a table. */
export function complianceSection({ policies, fleet }: Pick<Report, 'policies' | 'fleet'>): Markup {
  const all = fleet === undefined ? [] : [{ name: 'all policies together', compliance: fleet }];
  return html`<section>
<h2 id="compliance">Compliance over time</h2>
<p>The app counts the devices of each policy, and those without an open departure, every few minutes. The numbers here are the means of hours, and the
lowest hour. An hour without a count is “not counted”: it counts neither as compliant nor as out of line. The file of hours has each one. With all policies together, a device is compliant when it
keeps to every policy that applies to it.</p>
${[...all, ...policies].map((one, index) => complianceOf(one, index))}
</section>`;
}

function complianceOf(
  { name, compliance }: { readonly name: string; readonly compliance: readonly ComplianceSpan[] },
  index: number,
): Markup {
  const isDays =
    compliance.length > 1 && Date.parse(compliance[1]?.from ?? '') - Date.parse(compliance[0]?.from ?? '') > 3_600_000;
  const all = compliance.reduce((sum, { hours }) => sum + hours, 0);
  const known = compliance.reduce((sum, span) => sum + span.counted, 0);
  const heading = html`<h3>${name}</h3>`;
  if (known === 0) {
    return html`${heading}<p class="notice">Not counted: the app has counted these devices in none of ${counted(all, 'hour')} of the range.</p>`;
  }
  const shares = compliance.flatMap(({ share, counted }) => (share === undefined ? [] : [{ ...share, counted }]));
  const mean = shares.reduce((sum, share) => sum + share.mean * share.counted, 0) / known;
  const least = Math.min(...shares.map(({ min }) => min));
  const sentence = `Mean of the counted hours ${percentage(mean)}, lowest ${percentage(least)}. Counted: ${grouped(known)} of ${counted(all, 'hour')}.`;
  const unit = isDays ? 'day' : 'hour';
  return html`${heading}
<p>${sentence}</p>
${chart(name, compliance, sentence, index)}
${table(
  `Compliance with ${name} by ${unit} (UTC)`,
  [
    { title: isDays ? 'Day' : 'Hour', type: 'head' },
    { title: 'Devices', type: 'number' },
    { title: 'Mean', type: 'number' },
    { title: 'Lowest', type: 'number' },
    ...(isDays ? [{ title: 'Hours counted', type: 'number' } as const] : []),
  ],
  compliance.map(({ from, hours, counted, share, devices }) => [
    isDays ? from.slice(0, 10) : from.slice(0, 16).replace('T', ' '),
    devices === undefined ? '–' : grouped(devices),
    share === undefined ? 'not counted' : percentage(share.mean),
    share === undefined ? '–' : percentage(share.min),
    ...(isDays ? [`${counted} of ${hours}`] : []),
  ]),
)}`;
}

/** The chart as SVG. Its text alternative is the sentence, and the table after it has its numbers. */
function chart(name: string, spans: readonly ComplianceSpan[], sentence: string, index: number): Markup {
  const lowest = Math.min(...spans.map(({ share }) => share?.min ?? 1));
  // The axis begins below the lowest value: a dip of one device in a thousand would not show on an axis from 0.
  const floor = lowest > 0.999 ? 0.99 : Math.max(0, Math.floor((lowest - (1 - lowest) * 0.15) * 100) / 100);
  const step = (width - left - right) / spans.length;
  const x = (place: number) => Math.round((left + place * step) * 10) / 10;
  const y = (share: number) => Math.round((top + ((1 - share) / (1 - floor)) * (height - top - bottom)) * 10) / 10;
  const marks = [1, (1 + floor) / 2, floor];
  const labels = labelledSpans(spans);
  const id = `chart-${index}`;
  return html`<div class="scroll" role="region" aria-label="Chart of compliance with ${name}" tabindex="0">
<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">Compliance with ${name} over time</title>
<desc id="${id}-desc">${sentence} The table after the chart has the numbers.</desc>
<defs><pattern id="${id}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="2" height="6"/></pattern></defs>
${marks.map((mark) => html`<line class="grid" x1="${left}" x2="${width - right}" y1="${y(mark)}" y2="${y(mark)}"/><text class="label" x="${left - 6}" y="${y(mark) + 4}" text-anchor="end">${(mark * 100).toFixed(floor >= 0.98 ? 1 : 0)} %</text>`)}
${gaps(spans).map(([from, to]) => html`<rect fill="url(#${id}-hatch)" x="${x(from)}" y="${top}" width="${Math.round((to - from) * step * 10) / 10}" height="${height - top - bottom}"/>`)}
${spans.map(({ share }, place) => (share === undefined ? '' : html`<rect class="band" x="${x(place)}" y="${y(share.mean)}" width="${Math.max(1, Math.round(step * 10) / 10)}" height="${Math.max(0, Math.round((y(share.min) - y(share.mean)) * 10) / 10)}"/>`))}
${lines(spans).map((line) => html`<polyline class="mean" points="${line.map(([place, share]) => `${x(place)},${y(share)}`).join(' ')}"/>`)}
${labels.map(([place, label]) => html`<text class="label" x="${x(place)}" y="${height - 8}">${label}</text>`)}
</svg>
</div>
<p class="key"><span class="swatch mean"></span> mean <span class="swatch band"></span> down to the lowest hour <span class="swatch gap"></span> not counted</p>`;
}

/** The spans in which nothing was counted, as pairs of the first place and the place after the last. */
function gaps(spans: readonly ComplianceSpan[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const [place, { share }] of spans.entries()) {
    const last = found.at(-1);
    if (share !== undefined) continue;
    if (last?.[1] === place) last[1] = place + 1;
    else found.push([place, place + 1]);
  }
  return found;
}

/** The mean as lines with steps. A line ends where nothing was counted. */
function lines(spans: readonly ComplianceSpan[]): readonly (readonly (readonly [number, number])[])[] {
  const found: [number, number][][] = [];
  let isOpen = false;
  for (const [place, { share }] of spans.entries()) {
    if (share !== undefined) {
      if (!isOpen) found.push([]);
      found.at(-1)?.push([place, share.mean], [place + 1, share.mean]);
    }
    isOpen = share !== undefined;
  }
  return found;
}

/** At most seven places with a label below the chart. */
function labelledSpans(spans: readonly ComplianceSpan[]): readonly (readonly [number, string])[] {
  const every = Math.max(1, Math.ceil(spans.length / 7));
  const isDays = spans.length > 1 && spans[0]?.from.slice(11) === spans[1]?.from.slice(11);
  return spans.flatMap(({ from }, place): readonly (readonly [number, string])[] => {
    if (place % every !== 0 || (place > 0 && spans.length - place < every * 0.6)) return [];
    return [[place, isDays ? from.slice(0, 10) : from.slice(5, 16).replace('T', ' ')]];
  });
}
