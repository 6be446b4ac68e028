/** The list of the newest actions of operators, with who acted and why. Hidden while there is none. */
import type { ActorAnswer, ShownAction, ShownActions } from '../../../api/action-answers.ts';
import { el, find, foreign, ownValue, refill, time } from '../markup/index.ts';
import { link, toDevice } from '../view/index.ts';

const sentences = {
  release: 'Released a policy',
  replay: 'Replayed events',
  sweep: 'Asked for a sweep',
  reconcile: 'Reconciled a device',
  policy: 'Changed a policy',
  mode: 'Changed the mode of a policy',
};

export function showActions({ actions, cursor }: ShownActions): void {
  find('actions-card').hidden = actions.length === 0;
  refill(
    find('actions'),
    actions.length > 0 && el('ul', { class: 'open-list' }, actions.map(describeAction)),
    cursor !== undefined && el('p', { class: 'note' }, 'These are the newest. "twinkeeper actions" lists all.'),
  );
}

function describeAction({ at, action, by, target, reason, result }: ShownAction): HTMLElement {
  const { policy, deviceId } = target;
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'open-head' },
      ownValue(sentences, action) ?? action,
      policy !== undefined && foreign(policy, 64),
      deviceId !== undefined && link(toDevice(deviceId), {}, foreign(deviceId, 128)),
      result === 'failed' && el('span', { class: 'badge bad' }, 'failed'),
      result === 'started' && el('span', { class: 'badge warn' }, 'not ended'),
      el('span', { class: 'muted' }, time(at)),
    ),
    el('div', { class: 'why' }, describeActor(by), reason !== '' && [': ', foreign(reason, 500)]),
  );
}

function describeActor(by: ActorAnswer): HTMLElement | string {
  if (by.type === 'user') return el('span', { title: by.id }, foreign(by.name, 256));
  if (by.type === 'commandLine') return el('span', {}, foreign(`${by.user}@${by.host}`, 256), ', by the command');
  if (by.type === 'app') return 'Noticed by the app';
  return by.key === 'none' ? 'Somebody without a key' : `Somebody with a ${by.key} key`;
}
