/** The content of the dialog for one history row: its values, its outcome and its times. */
import type { DriftRow, Outcome } from '../../../api/history-answers.ts';
import { badge, type Child, count, duration, el, foreign, json, ownValue, time, took, words } from '../markup/index.ts';
import { link, toDevice } from '../view/index.ts';
import { describeCourse } from './course.ts';
import { sideBySide } from './diff.ts';
import { facts } from './facts.ts';
import { describeLogs } from './logs.ts';
import type { RelatedActions } from './related-actions.ts';

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

/** Describes a row. `related` is undefined while the actions are read, and `'unread'` when they could not be read. */
export function describeRow(row: DriftRow, related: RelatedActions | 'unread' | undefined): HTMLElement {
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
    reasonsOf(row).map((text) => el('p', { class: 'why' }, foreign(text, 4200))),
    el('h3', {}, 'What happened'),
    describeCourse(row, typeof related === 'object' ? related.actions : []),
    related === 'unread' && el('p', { class: 'note' }, 'What operators did meanwhile could not be read.'),
    typeof related === 'object' &&
      related.isCut &&
      el(
        'p',
        { class: 'note' },
        'Operators did more in this time than the page reads: "twinkeeper actions" lists all.',
      ),
    facts([
      ['Written by', row.write?.by === undefined ? undefined : foreign(row.write.by, 128)],
      ['Twin version', row.twinVersion === undefined ? undefined : String(row.twinVersion)],
      ['Correlation id', row.correlationId === undefined ? undefined : el('code', {}, foreign(row.correlationId, 200))],
      ['Policy version', row.policyVersion === undefined ? undefined : el('code', {}, foreign(row.policyVersion, 64))],
      ['App version', row.appVersion === undefined ? undefined : foreign(row.appVersion, 64)],
      ['Hub', foreign(row.hub, 128)],
    ]),
    describeLogs(row),
  );
}

/** What the row says about itself, without what its timeline says too. */
function reasonsOf({ error, message, transitions = [] }: DriftRow): readonly string[] {
  const isInCourse = transitions.some(({ reason }) => reason === error);
  return [isInCourse ? undefined : error, message].filter((text) => text !== undefined);
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
