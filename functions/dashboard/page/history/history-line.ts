/** Shows one history row as a line (`tr` element) of the table. */
import type { DriftRow } from '../../../api/history-answers.ts';
import {
  badge,
  type Child,
  duration,
  el,
  fill,
  foreign,
  json,
  printable,
  shortPath,
  subject,
  time,
  took,
  words,
} from '../markup/index.ts';
import { link, toDevice, toRow } from '../view/index.ts';

/** Replaces the content of a table line. When a link of the line has the focus, the new link keeps the focus. */
export function fillLine(line: HTMLTableRowElement, row: DriftRow): void {
  const active = document.activeElement;
  const focused = active !== null && line.contains(active) ? active.className : undefined;
  const milliseconds = took(row);
  fill(
    line,
    cell('Detected', 'when', time(row.detectedAt)),
    cell('Device', 'device', link(toDevice(row.deviceId), { class: 'device-link' }, foreign(row.deviceId, 128))),
    cell('Policy', 'policy', foreign(row.policy, 64)),
    cell(
      'Property',
      'what',
      link(toRow(row), { class: 'row-link', title: printable(row.path, 400) }, foreign(shortPath(subject(row)), 200)),
    ),
    cell('Kind', 'kind', words(row.kind)),
    cell(
      'Was → wanted',
      'values',
      value(row.actual),
      el('span', { class: 'muted', 'aria-label': 'wanted' }, ' → '),
      row.kind === 'missingModule' || row.kind === 'missingBaseline' ? 'baseline' : value(row.expected),
    ),
    cell('Outcome', 'outcome', badge(row.outcome)),
    cell('Took', 'number', milliseconds === undefined ? el('span', { class: 'muted' }, '–') : duration(milliseconds)),
  );
  if (focused !== undefined) line.querySelector<HTMLElement>(`a.${focused}`)?.focus();
}

/** Makes a table cell. On a phone, the table has no visible header, and `label` is shown instead. */
function cell(label: string, className: string, ...children: readonly Child[]): HTMLElement {
  return el('td', { role: 'cell', 'data-label': label, class: className }, ...children);
}

function value(it: unknown): HTMLElement {
  return el('code', {}, foreign(json(it), 80));
}
