import type { DriftRow, Transition } from '../../../../shared/drift/index.ts';
import { mostDevices, type Tally } from '../departure-tally.ts';
import type { OpenAtEnd, Report } from '../report.ts';
import { html, type Markup } from './markup.ts';
import { facts, table } from './table.ts';
import { counted, counts, cut, grouped, moduleName, subject, time, value, words } from './words.ts';

/** The departures in numbers, in groups, and some of them with their course. */
export function departuresSection(report: Pick<Report, 'departures' | 'completeSince' | 'from' | 'files'>): Markup {
  const { departures, completeSince, from, files } = report;
  const { total, byOutcome, byKind, byPolicy, devices, eventful } = departures;
  const file = files.find(({ content }) => content === 'departures')?.name ?? '';
  return html`<section>
<h2 id="departures">Departures</h2>
<p>A departure is one way in which a twin was out of line with a policy. These are the departures that were detected in the range.</p>
${completeSince !== undefined && completeSince > from ? html`<p class="notice">Not complete: the retention may have removed departures that were detected before ${time(completeSince)} and are over.</p>` : ''}
${facts([
  ['Departures', grouped(total)],
  ['Devices', devices >= mostDevices ? `${grouped(mostDevices)} or more` : grouped(devices)],
  ['By policy', counts(byPolicy) || '–'],
  ['By kind', counts(byKind) || '–'],
  ['By outcome when the report was made', counts(byOutcome) || '–'],
  [
    'Not simply set back',
    `${grouped(eventful)}: held back, put off, failed or only recorded at any time, or still open`,
  ],
])}
${total === 0 ? html`<p class="notice">No departure was detected in the range.</p>` : html`${groups(departures)}${courses(departures, file)}`}
</section>`;
}

function groups({ groups, ungrouped }: Tally): Markup {
  const rest =
    ungrouped === 0
      ? ''
      : html`<p>${counted(ungrouped, 'more departure')} are in smaller groups, which are not shown.</p>`;
  return html`<h3>Departures by property</h3>
${table(
  'Departures with the same policy, module, property and kind, the largest group first',
  [
    { title: 'Property and module', type: 'head', width: 30 },
    { title: 'Policy', width: 20 },
    { title: 'Kind', width: 10 },
    { title: 'Number', type: 'number', width: 10 },
    { title: 'Outcomes', width: 15 },
    { title: 'First and last detected', width: 15 },
  ],
  groups.map(({ policy, moduleId, path, kind, total, byOutcome, first, last }) => [
    html`<code>${cut(subject({ path, kind }))}</code><br>${moduleName(moduleId)}`,
    policy,
    words(kind),
    grouped(total),
    counts(byOutcome),
    first === last ? time(first) : html`${time(first)}<br>${time(last)}`,
  ]),
)}${rest}`;
}

function courses({ listed, total, eventful }: Tally, file: string): Markup {
  const which =
    listed.length === total
      ? `All ${counted(total, 'departure')}.`
      : `${grouped(listed.length)} of ${counted(total, 'departure')}: first those that were not simply set back (${grouped(eventful)}), then others, each time the newest. The file ${file} has all.`;
  return html`<h3>Departures and their course</h3>
<p>${which} The course begins with the detection. A time in it is when the departure got the outcome, and “by” is what caused it.</p>
${table(
  'Departures, oldest first',
  [
    { title: 'Detected', type: 'head', width: 15 },
    { title: 'Device and module', width: 20 },
    { title: 'Property', width: 20 },
    { title: 'Found and wanted', width: 15 },
    { title: 'Course', width: 30 },
  ],
  listed.map((row) => [
    html`${time(row.detectedAt)}<br><span class="muted">by ${row.source}</span>`,
    html`<b>${row.deviceId}</b><br>${moduleName(row.moduleId)}`,
    html`<code>${cut(subject(row))}</code><br><span class="muted">${words(row.kind)}, ${row.policy}</span>`,
    html`${value(row.actual)} → ${value(row.expected)}${row.times === undefined ? '' : html`<br><span class="muted">${counted(row.times, 'write')} in one row</span>`}`,
    course(row),
  ]),
)}`;
}

function course({ transitions = [], message }: DriftRow): Markup {
  const note = message === undefined ? '' : html`<p class="muted">${cut(message)}</p>`;
  if (transitions.length === 0) return html`<span class="outcome busy">being repaired</span>${note}`;
  return html`<ol class="course">${transitions.map(step)}</ol>${note}`;
}

function step({ at, outcome, reason, by, times, lastAt, omitted }: Transition): Markup {
  const grade = { failed: 'bad', heldBack: 'warn', deferred: 'busy', pending: 'busy' }[outcome as string] ?? 'plain';
  return html`<li>${omitted === undefined ? '' : html`<span class="muted">(${omitted} more before)</span> `}${time(at)} <span class="outcome ${grade}">${outcome === 'pending' ? 'tried to repair' : words(outcome)}</span>${by === undefined ? '' : ` by ${by}`}${times === undefined ? '' : html`, ${times} times, last ${time(lastAt)}`}${reason === undefined ? '' : html`: ${cut(reason, 200)}`}</li>`;
}

/** What was open at the end of the range: the exceptions. */
export function openSection({ open, to, files }: Pick<Report, 'open' | 'to' | 'files'>): Markup {
  const { total, byOutcome, listed } = open;
  const file = files.find(({ content }) => content === 'open')?.name ?? '';
  return html`<section>
<h2 id="exceptions">Exceptions: open at the end of the range</h2>
<p>These departures were out of line with their policy at ${time(to)}, also those from before the range, with the outcome that they had then.</p>
${
  total === 0
    ? html`<p class="notice">Nothing was open at the end of the range.</p>`
    : html`<p><b>${grouped(total)} open:</b> ${counts(byOutcome)}.${listed.length < total ? ` The first ${grouped(listed.length)} follow. The file ${file} has all.` : ''}</p>${openTable(listed)}`
}
</section>`;
}

function openTable(listed: OpenAtEnd['listed']): Markup {
  return table(
    'Departures that were open at the end of the range',
    [
      { title: 'Device and module', type: 'head', width: 20 },
      { title: 'Property', width: 20 },
      { title: 'Found and wanted', width: 15 },
      { title: 'Outcome and reason', width: 30 },
      { title: 'Detected', width: 15 },
    ],
    listed.map(({ row, outcome, reason, since }) => [
      html`<b>${row.deviceId}</b><br>${moduleName(row.moduleId)}`,
      html`<code>${cut(subject(row))}</code><br><span class="muted">${words(row.kind)}, ${row.policy}</span>`,
      html`${value(row.actual)} → ${value(row.expected)}`,
      html`<span class="outcome ${outcome === 'failed' ? 'bad' : 'warn'}">${words(outcome)}</span> since ${time(since)}${reason === undefined ? '' : html`: ${cut(reason, 200)}`}`,
      time(row.detectedAt),
    ]),
  );
}
