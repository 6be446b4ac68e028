/** The content of the dialog that searches for devices by a part of the id or by a tag. */
import type { FoundDevicesAnswer } from '../../../api/search-answers.ts';
import { ask } from '../api/index.ts';
import { count, counted, el, fill, foreign } from '../markup/index.ts';
import { go, link, noPanel, type Panel, toDevice, toFinder } from '../view/index.ts';
import { describeError } from './error-text.ts';

/**
 * Shows the form, and searches when the panel names a part of an id or a tag. `isShown` returns false when the dialog shows something else
 * meanwhile.
 */
export function showFinder(body: HTMLElement, panel: Panel & { readonly type: 'find' }, isShown: () => boolean): void {
  const { part, tag } = panel;
  const [partField, tagField] = [field(part, 'press'), field(tag, 'site:north')];
  const form = el(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Devices' },
    el('label', {}, el('span', {}, 'Part of the id'), partField),
    el('label', {}, el('span', {}, 'Tag, as name:value'), tagField),
    el('button', { type: 'submit' }, 'Search'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    go(toFinder(partField.value.trim(), tagField.value.trim()));
  });
  const results = el('div', { class: 'found', role: 'status' });
  fill(
    body,
    form,
    el(
      'p',
      { class: 'why' },
      'Searches the devices of the hub, also those without drift. Upper and lower case count. A device that was deleted is only in the history: ' +
        'filter the page by its whole id. A search takes messages of the hub’s daily quota, about one for each 100 devices that it finds.',
    ),
    results,
  );
  partField.focus();
  if (part !== '' || tag !== '') void search(panel, results, isShown);
}

function field(value: string, example: string): HTMLInputElement {
  const input = el('input', { autocomplete: 'off', spellcheck: 'false', maxlength: '770', placeholder: example });
  input.value = value;
  return input;
}

async function search(
  { part, tag }: Panel & { readonly type: 'find' },
  results: HTMLElement,
  isShown: () => boolean,
): Promise<void> {
  const list = el('ul', { class: 'open-list' });
  const note = el('p', { class: 'note' });
  const more = el('button', { type: 'button' }, 'Search further');
  let found = 0;
  let read = 0;
  let cursor: string | undefined;

  async function next(): Promise<void> {
    fill(note, 'Searching the hub…');
    more.remove();
    try {
      const answer = await ask('devices', { search: part, tag, cursor });
      if (!isShown()) return;
      found += answer.devices.length;
      read += answer.searched.read;
      cursor = answer.cursor;
      list.append(...answer.devices.map(({ deviceId }) => describeFound(deviceId)));
      fill(note, outcomeOf(answer, found, read));
      if (cursor !== undefined) results.append(more);
    } catch (error) {
      if (!isShown()) return;
      fill(note, describeError(error));
      fill(more, 'Try again');
      results.append(more);
    }
  }

  more.addEventListener('click', () => {
    fill(more, 'Search further');
    void next();
  });
  fill(results, list, note);
  await next();
}

/** Says what was found, what was searched, and whether the search has ended. */
function outcomeOf({ searched }: FoundDevicesAnswer, found: number, read: number): string {
  const devices = found === 0 ? 'No device' : counted(found, 'device');
  const how =
    searched.by === 'query'
      ? ''
      : ` The hub cannot search for a part of an id, so the app compared ${count(read)} ids of its list.`;
  return searched.complete
    ? `${devices} found. All devices of the hub were searched.${how}`
    : `${devices} found so far. The search has not ended.${how}`;
}

function describeFound(deviceId: string): HTMLElement {
  return el(
    'li',
    { class: 'open-head' },
    link(toDevice(deviceId), {}, foreign(deviceId, 128)),
    el('span', { class: 'muted' }, link({ deviceId, ...noPanel }, {}, 'filter the page by it')),
  );
}
