/** The course of a history row as a timeline: the change, the detection, each outcome, and what operators did meanwhile. */
import type { ShownAction } from '../../../api/action-answers.ts';
import type { DriftRow, Transition } from '../../../api/history-answers.ts';
import {
  type Child,
  count,
  deedOf,
  describeActor,
  duration,
  el,
  foreign,
  gradeOf,
  ownValue,
  resultBadge,
  time,
  words,
} from '../markup/index.ts';

const sourceTexts = { event: 'an event', sweep: 'a sweep', manual: 'hand' };
const causeTexts = { ...sourceTexts, retries: 'the end of the retries' };

interface Step {
  readonly at: string;
  readonly element: HTMLElement;
}

/** The timeline of a row, oldest first. Each step shows how much time has passed since the change, when the time of the change is known. */
export function describeCourse(row: DriftRow, actions: readonly ShownAction[]): HTMLElement {
  const begun = row.operationTimestamp ?? (row.write?.exact ? row.write.at : undefined);
  const after = (at: string) => (begun === undefined ? '' : ` +${duration(Date.parse(at) - Date.parse(begun))}`);
  const source = ownValue(sourceTexts, row.source) ?? 'hand';
  const reasons = countReasons(row.transitions ?? []);
  const steps: Step[] = [
    ...(row.transitions ?? []).map((transition) => ({
      at: transition.at,
      element: transitionStep(transition, after(transition.at), reasons),
    })),
    ...actions.map((action) => ({ at: action.at, element: actionStep(action) })),
  ];
  steps.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return el(
    'ol',
    { class: 'steps' },
    begun !== undefined &&
      step('Changed', begun, row.write?.by === undefined ? 'by a write to the twin' : 'by a configuration of the hub'),
    step('Detected', row.detectedAt, `by ${source}${after(row.detectedAt)}`),
    steps.map(({ element }) => element),
  );
}

/** How often each reason stands in a course, and whether the timeline has shown it already. */
type Reasons = Map<string, { times: number; isShown: boolean }>;

function countReasons(transitions: readonly Transition[]): Reasons {
  const reasons: Reasons = new Map();
  for (const { reason, times = 1 } of transitions) {
    if (reason === undefined) continue;
    const counted = reasons.get(reason) ?? { times: 0, isShown: false };
    counted.times += times;
    reasons.set(reason, counted);
  }
  return reasons;
}

/** One outcome in the course of a row, with its cause and its reason. A reason that repeats is written once, with its count. */
function transitionStep(transition: Transition, after: string, reasons: Reasons): HTMLElement {
  const { at, outcome, reason, by, times, lastAt, omitted } = transition;
  const cause = by === undefined ? '' : `by ${ownValue(causeTexts, by) ?? 'hand'}`;
  const left = omitted === undefined ? '' : `, after ${count(omitted)} more that are not kept`;
  return el(
    'li',
    { class: outcome === 'ended' ? 'good' : gradeOf(outcome) },
    el('strong', {}, outcome === 'ended' ? 'In line again' : words(outcome)),
    time(at),
    el(
      'span',
      { class: 'muted' },
      `${cause}${left}${after}`,
      times !== undefined && [`, ${count(times)} times`, lastAt !== undefined && [' until ', time(lastAt)]],
    ),
    reason !== undefined && describeReason(reason, reasons),
  );
}

function describeReason(reason: string, reasons: Reasons): Child {
  const counted = reasons.get(reason);
  if (counted?.isShown) return el('span', { class: 'reason muted' }, 'the same reason again');
  if (counted !== undefined) counted.isShown = true;
  const times = counted?.times ?? 1;
  return el(
    'span',
    { class: 'reason' },
    foreign(reason, 200),
    times > 1 && [' ', el('span', { class: 'tag' }, `${count(times)} times`)],
  );
}

function actionStep(action: ShownAction): HTMLElement {
  const { at, by, reason, target } = action;
  return el(
    'li',
    { class: 'action' },
    el('strong', {}, deedOf(action)),
    time(at),
    resultBadge(action),
    el(
      'span',
      { class: 'reason' },
      describeActor(by),
      reason !== '' && [': ', foreign(reason, 500)],
      target.policy === undefined &&
        target.deviceId === undefined &&
        el('span', { class: 'muted' }, ' (for the whole app)'),
    ),
  );
}

function step(name: string, at: string, how: string): HTMLElement {
  return el('li', {}, el('strong', {}, name), time(at), el('span', { class: 'muted' }, how));
}
