/** The controls with which the user chooses the time range of the page, and the zone in which the page shows times. */

import { appNow } from './api/index.ts';
import { el, fill, find, iso, localZoneName, type Zone } from './markup/index.ts';
import { go, timeRange, type View, view } from './view/index.ts';

interface TimeControls {
  show(view: View): void;
}

export function createTimeControls(): TimeControls {
  const range = find('range', HTMLSelectElement);
  const from = find('from', HTMLInputElement);
  const to = find('to', HTMLInputElement);
  const zones = find('zone', HTMLSelectElement);
  fill(zones, el('option', { value: 'local' }, localZoneName()), el('option', { value: 'utc' }, 'UTC'));
  zones.addEventListener('change', () => go({ zone: zones.value === 'utc' ? 'utc' : undefined }));

  range.addEventListener('change', () => {
    if (range.value === 'custom') go({ ...timeRange(view().time, appNow()), range: undefined });
    else go({ range: range.value === '24h' ? undefined : range.value, from: undefined, to: undefined });
  });

  function applyCustom(): void {
    const isWrong = from.value === '' || to.value === '' || from.value >= to.value;
    to.setCustomValidity(isWrong ? 'The end must be after the start.' : '');
    if (isWrong) to.reportValidity();
    else go({ from: fromInput(from.value, view().zone), to: fromInput(to.value, view().zone), range: undefined });
  }
  for (const input of [from, to]) input.addEventListener('change', applyCustom);

  return {
    show({ time, zone }) {
      zones.value = zone;
      range.value = time.range;
      find('custom').hidden = time.range !== 'custom';
      if (time.range !== 'custom') return;
      from.value = toInput(time.from, zone);
      to.value = toInput(time.to, zone);
    },
  };
}

/** Converts an ISO 8601 time to the time in a zone, in the format of a `datetime-local` input: `2026-11-22T05:00`. */
function toInput(text: string, zone: Zone): string {
  const at = new Date(text);
  const offset = zone === 'utc' ? 0 : at.getTimezoneOffset();
  return iso(at.getTime() - offset * 60_000).slice(0, 16);
}

/** Converts the value of a `datetime-local` input, which is a time in a zone, to ISO 8601. */
function fromInput(value: string, zone: Zone): string {
  return iso(Date.parse(zone === 'utc' ? `${value}Z` : value));
}
