/** The list of the newest dead letters, and of the unusable events that were only counted. Hidden while there is nothing to show. */
import type { CountedEventsAnswer, DeadLettersPage } from '../../../api/history-answers.ts';
import { counted, el, find, foreign, reasonGroups, refill, time } from '../markup/index.ts';
import { link, toDevice } from '../view/index.ts';

/** Largest number of counts in the list. */
const mostCounts = 10;

export function showDeadLetters({ letters, cursor, countedOnly }: DeadLettersPage): void {
  find('dead-letters-card').hidden = letters.length === 0 && countedOnly.length === 0;
  refill(
    find('dead-letters'),
    countedOnly.length > 0 && el('ul', { class: 'open-list' }, countedOnly.slice(0, mostCounts).map(describeCount)),
    letters.length > 0 &&
      reasonGroups(letters, {
        reasonOf: ({ reason }) => reason,
        describe: describeLetter,
        describeGroup: () => 'Dead letters with one reason',
        noun: 'letters',
      }),
    cursor !== undefined && el('p', { class: 'note' }, 'These are the newest. "twinkeeper dead-letters" lists all.'),
  );
}

function describeLetter({ deviceId, at }: DeadLettersPage['letters'][number]): HTMLElement {
  const device = deviceId === '' ? '(no device)' : link(toDevice(deviceId), {}, foreign(deviceId, 128));
  return el('div', { class: 'open-head' }, device, el('span', { class: 'muted' }, time(at)));
}

function describeCount({ fault, count, firstAt, lastAt, reason }: CountedEventsAnswer): HTMLElement {
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'open-head' },
      `${counted(count, 'more unusable event')} (${fault}), only counted`,
      el('span', { class: 'muted' }, time(firstAt), ' to ', time(lastAt)),
    ),
    el('div', { class: 'why' }, foreign(reason, 400)),
  );
}
