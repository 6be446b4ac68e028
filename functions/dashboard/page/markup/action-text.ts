/** Describes what operators did, and who it was, in plain words. */
import type { ActorAnswer, ShownAction } from '../../../api/action-answers.ts';
import { type Child, el, foreign } from './elements.ts';
import { ownValue } from './own-value.ts';

const sentences = {
  release: 'Released a policy',
  replay: 'Replayed events',
  sweep: 'Asked for a sweep',
  reconcile: 'Reconciled a device',
  policy: 'Changed a policy',
  mode: 'Changed the mode of a policy',
};

/** What was done, such as `Released a policy`. A kind without words of its own is returned unchanged. */
export function deedOf({ action }: Pick<ShownAction, 'action'>): string {
  return ownValue(sentences, action) ?? action;
}

/** Who acted. The title of an operator's name is the object id in Microsoft Entra ID. */
export function describeActor(by: ActorAnswer): Child {
  if (by.type === 'user') return el('span', { title: by.id }, foreign(by.name, 256));
  if (by.type === 'commandLine') return el('span', {}, foreign(`${by.user}@${by.host}`, 256), ', by the command');
  if (by.type === 'app') return 'Noticed by the app';
  return by.key === 'none' ? 'Somebody without a key' : `Somebody with a ${by.key} key`;
}

/** A badge for an action that failed or has not ended. Nothing for an action that is done. */
export function resultBadge({ result }: Pick<ShownAction, 'result'>): Child {
  if (result === 'failed') return el('span', { class: 'badge bad' }, 'failed');
  return result === 'started' && el('span', { class: 'badge warn' }, 'not ended');
}
