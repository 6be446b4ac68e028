/** The lists of the devices and of the properties with the most drifts. */
import type { SummaryAnswer } from '../../../api/history-answers.ts';
import { type Child, count, el, find, foreign, printable, refill, shortPath } from '../markup/index.ts';
import { link, toDevice } from '../view/index.ts';

export function showRankings({ topDevices, topProperties }: SummaryAnswer): void {
  showRanking('top-devices', topDevices, ({ deviceId }) => link(toDevice(deviceId), {}, foreign(deviceId, 128)));
  showRanking('top-properties', topProperties, ({ policy, path }) => [
    link(
      path === '' ? { policy, kind: 'missingModule', path: undefined } : { policy, path },
      { title: printable(path, 400) },
      foreign(path === '' ? '(the module)' : shortPath(path), 200),
    ),
    el('span', { class: 'muted' }, foreign(policy, 60)),
  ]);
}

function showRanking<T extends { readonly count: number }>(
  id: string,
  items: readonly T[],
  describe: (item: T) => Child,
): void {
  const most = Math.max(...items.map((item) => item.count));
  const lines = items.map((item) => {
    const line = el(
      'li',
      {},
      el('div', { class: 'ranked' }, describe(item)),
      el('span', { class: 'number' }, count(item.count)),
    );
    line.style.setProperty('--share', String(item.count / most));
    return line;
  });
  refill(
    find(id),
    lines.length === 0
      ? el('p', { class: 'empty' }, 'There is no drift in this time range.')
      : el('ol', { class: 'ranking' }, lines),
  );
}
