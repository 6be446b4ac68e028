/** The list of the newest actions of operators, with who acted and why. Hidden while there is none. */
import type { ShownAction, ShownActions } from '../../../api/action-answers.ts';
import { deedOf, describeActor, el, find, foreign, refill, resultBadge, time } from '../markup/index.ts';
import { link, toDevice } from '../view/index.ts';

export function showActions({ actions, cursor }: ShownActions): void {
  find('actions-card').hidden = actions.length === 0;
  refill(
    find('actions'),
    actions.length > 0 && el('ul', { class: 'open-list' }, actions.map(describeAction)),
    cursor !== undefined && el('p', { class: 'note' }, 'These are the newest. "twinkeeper actions" lists all.'),
  );
}

function describeAction(action: ShownAction): HTMLElement {
  const { at, by, target, reason } = action;
  const { policy, deviceId } = target;
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'open-head' },
      deedOf(action),
      policy !== undefined && foreign(policy, 64),
      deviceId !== undefined && link(toDevice(deviceId), {}, foreign(deviceId, 128)),
      resultBadge(action),
      el('span', { class: 'muted' }, time(at)),
    ),
    el('div', { class: 'why' }, describeActor(by), reason !== '' && [': ', foreign(reason, 500)]),
  );
}
