/** The controls with which the user chooses the time range of the page. */

import { appNow } from './api/index.ts';
import { find, iso } from './markup/index.ts';
import { go, timeRange, type ViewTime, view } from './view/index.ts';

interface TimeControls {
  show(time: ViewTime): void;
}

export function createTimeControls(): TimeControls {
  const range = find('range', HTMLSelectElement);
  const from = find('from', HTMLInputElement);
  const to = find('to', HTMLInputElement);

  range.addEventListener('change', () => {
    if (range.value === 'custom') go({ ...timeRange(view().time, appNow()), range: undefined });
    else go({ range: range.value === '24h' ? undefined : range.value, from: undefined, to: undefined });
  });

  function applyCustom(): void {
    const isWrong = from.value === '' || to.value === '' || from.value >= to.value;
    to.setCustomValidity(isWrong ? 'The end must be after the start.' : '');
    if (isWrong) to.reportValidity();
    else go({ from: iso(Date.parse(from.value)), to: iso(Date.parse(to.value)), range: undefined });
  }
  for (const input of [from, to]) input.addEventListener('change', applyCustom);

  return {
    show(time) {
      range.value = time.range;
      find('custom').hidden = time.range !== 'custom';
      if (time.range !== 'custom') return;
      from.value = localTime(time.from);
      to.value = localTime(time.to);
    },
  };
}

/** Converts an ISO 8601 time to local time, in the format of a `datetime-local` input: `2026-11-22T05:00`. */
function localTime(text: string): string {
  const at = new Date(text);
  return iso(at.getTime() - at.getTimezoneOffset() * 60_000).slice(0, 16);
}
