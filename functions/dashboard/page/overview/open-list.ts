/** The list of open rows. Each entry shows the device and the reason why the drift is not repaired. */
import type { OpenRow } from '../../../api/history-answers.ts';
import {
  badge,
  type Child,
  count,
  counted,
  el,
  fill,
  find,
  foreign,
  reasonGroups,
  refill,
  shortPath,
  subject,
  time,
  words,
} from '../markup/index.ts';
import { link, toDevice, toRow } from '../view/index.ts';
import type { OpenCount } from './open-count.ts';

export function showOpenList(open: OpenCount): void {
  const { rows, isComplete, listed, isFiltered } = open;
  const states = [...Map.groupBy(rows, ({ why }) => why.state)]
    .map(([state, its]) => `${count(its.length)} ${words(state)}`)
    .join(', ');
  const among = isComplete ? '' : ` in the first ${count(listed)} rows`;
  const place = find('open');
  fill(find('open-count'), rows.length === 0 ? '' : `${states}${among}${isFiltered ? ', with these filters' : ''}`);
  refill(
    place,
    rows.length === 0
      ? el('p', { class: 'empty' }, nothing(open, among))
      : reasonGroups(rows, {
          reasonOf: ({ why }) => why.reason,
          describe: describeOpenRow,
          describeGroup: (its) => [...new Set(its.map(({ why }) => why.state))].map(badge),
          noun: 'rows',
        }),
    rows.length > 0 &&
      !isComplete &&
      el('p', { class: 'note' }, 'The list is not complete. Filter by policy or device to see other rows.'),
  );
}

function nothing({ isComplete, isFiltered, fleet, isLookedAt }: OpenCount, among: string): string {
  const others = `${counted(fleet, 'device')} ${fleet === 1 ? 'is' : 'are'} out of line.`;
  if (isFiltered) return `No drift${among} matches these filters. In the whole fleet, ${others}`;
  if (!isComplete || fleet > 0) return others;
  return isLookedAt ? 'All drift is repaired.' : 'Not counted yet: no sweep has looked at all policies.';
}

function describeOpenRow(row: OpenRow, isInGroup: boolean): Child {
  return [
    el(
      'div',
      { class: 'open-head' },
      !isInGroup && badge(row.why.state),
      link(toDevice(row.deviceId), {}, foreign(row.deviceId, 128)),
      el('span', { class: 'muted' }, 'since ', time(row.detectedAt)),
    ),
    link(toRow(row), { class: 'quiet' }, foreign(shortPath(subject(row)), 200)),
  ];
}
