/** The content of the dialog for one history row: its values, its outcome and its times. */
import type { DriftRow, Outcome, Transition } from '../../../api/history-answers.ts';
import { badge, type Child, count, duration, el, foreign, json, ownValue, time, took, words } from '../markup/index.ts';
import { link, toDevice } from '../view/index.ts';
import { sideBySide } from './diff.ts';
import { facts } from './facts.ts';

const outcomeTexts: Readonly<Record<Outcome, (row: DriftRow) => string>> = {
  pending: () => 'Twinkeeper is repairing the drift now.',
  created: () => 'Twinkeeper created the module with its baseline.',
  enforced: ({ kind }) => {
    if (kind === 'missingBaseline') return 'Twinkeeper wrote the baseline of the policy into the module.';
    return kind === 'forbiddenProperty'
      ? 'Twinkeeper removed the property.'
      : 'Twinkeeper set the property to the value that the policy wants.';
  },
  audited: () =>
    'Twinkeeper recorded the drift without a repair: the policy audits, or this kind of drift cannot be repaired.',
  healed: () => 'No repair was needed: the twin became right again.',
  superseded: () => 'A later write put another wrong value in the place of this one. That write has a row of its own.',
  gone: () => 'No repair is possible: the device or the module was deleted.',
  retired: () =>
    'No policy demands this any more: the policy or the rule was taken out, or it no longer applies to the device. Twinkeeper did not repair the drift.',
  deferred: () => 'The drift is not repaired yet. Twinkeeper will try again.',
  heldBack: () =>
    'A guard holds the repair back. A sweep reads the twin again when the guard has room or the twin has changed.',
  failed: () => 'The repair failed, and Twinkeeper no longer retries it.',
};

const sourceTexts = { event: 'an event', sweep: 'a sweep', manual: 'hand' };
const causeTexts = { ...sourceTexts, retries: 'the end of the retries' };

export function describeRow(row: DriftRow): HTMLElement {
  const path = row.path === '' ? 'the module as a whole' : el('code', {}, foreign(row.path, 4200));
  return el(
    'div',
    { 'data-outcome': row.outcome },
    facts([
      ['Device', link(toDevice(row.deviceId), {}, foreign(row.deviceId, 128))],
      ['Module', row.moduleId === '' ? 'the device’s own twin' : foreign(row.moduleId, 128)],
      ['Policy', foreign(row.policy, 64)],
      ['Kind', words(row.kind)],
      ['Mode', row.mode],
    ]),
    facts([['Property', path]], 'single'),
    sideBySide(row.expected, row.actual),
    foldedWrites(row),
    el('h3', {}, 'Outcome'),
    describeOutcome(row),
    [row.error, row.message].map((text) => text !== undefined && el('p', { class: 'why' }, foreign(text, 4200))),
    el('ol', { class: 'steps' }, steps(row)),
    facts([
      ['Written by', row.write?.by === undefined ? undefined : foreign(row.write.by, 128)],
      ['Twin version', row.twinVersion === undefined ? undefined : String(row.twinVersion)],
      ['Correlation id', row.correlationId === undefined ? undefined : el('code', {}, foreign(row.correlationId, 200))],
      ['Hub', foreign(row.hub, 128)],
    ]),
  );
}

/** The number and the last value of the wrong writes that share the row. Nothing when the row records one write. */
function foldedWrites({ times, lastActual, lastWrite }: DriftRow): readonly Child[] {
  if (times === undefined || lastWrite === undefined) return [];
  return [
    el(
      'p',
      {},
      `The property was changed to a wrong value ${count(times)} times. The last time was `,
      time(lastWrite.at),
      '.',
    ),
    facts(
      [['Last value', lastActual === undefined ? 'no value' : el('code', {}, foreign(json(lastActual), 4200))]],
      'single',
    ),
  ];
}

function describeOutcome(row: DriftRow): HTMLElement {
  const milliseconds = took(row);
  return el(
    'p',
    {},
    badge(row.outcome),
    ' ',
    ownValue(outcomeTexts, row.outcome)?.(row),
    milliseconds !== undefined && ` ${howLong(row, duration(milliseconds))}`,
  );
}

function howLong({ operationTimestamp }: DriftRow, length: string): string {
  const since = operationTimestamp === undefined ? 'its detection' : 'the change';
  return `The drift ended ${length} after ${since}.`;
}

/** The times of a history row, oldest first. Each shows how much time has passed since the change, when the time of the change is known. */
function steps(row: DriftRow): readonly Child[] {
  const begun = row.operationTimestamp ?? (row.write?.exact ? row.write.at : undefined);
  const after = (at: string) => (begun === undefined ? '' : ` +${duration(Date.parse(at) - Date.parse(begun))}`);
  const source = ownValue(sourceTexts, row.source) ?? 'hand';
  return [
    begun !== undefined &&
      step('Changed', begun, row.write?.by === undefined ? 'by a write to the twin' : 'by a configuration of the hub'),
    step('Detected', row.detectedAt, `by ${source}${after(row.detectedAt)}`),
    ...(row.transitions ?? []).map((transition) => transitionStep(transition, after(transition.at))),
  ];
}

/** One outcome in the course of a row, with its cause and its reason. */
function transitionStep({ at, outcome, reason, by, times, omitted }: Transition, after: string): HTMLElement {
  const cause = by === undefined ? '' : `by ${ownValue(causeTexts, by) ?? 'hand'}`;
  const often = times === undefined ? '' : `, ${count(times)} times`;
  const left = omitted === undefined ? '' : `, after ${count(omitted)} more that are not kept`;
  const name = outcome === 'ended' ? 'In line again' : words(outcome);
  return el(
    'li',
    {},
    el('strong', {}, name),
    time(at),
    el('span', { class: 'muted' }, `${cause}${often}${left}${after}`),
    reason !== undefined && el('span', { class: 'reason' }, foreign(reason, 200)),
  );
}

function step(name: string, at: string, how: string): HTMLElement {
  return el('li', {}, el('strong', {}, name), time(at), el('span', { class: 'muted' }, how));
}
