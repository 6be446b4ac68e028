/** Shows a module's twin beside its baseline. The properties that differ come first. */
import type { ComparedModule, ComparedProperty } from '../../../api/history-answers.ts';
import { el, foreign, json, printable, shortPath, words } from '../markup/index.ts';

export function describeModule({ moduleId, exists, policies, properties }: ComparedModule): HTMLElement {
  const name = moduleId === '' ? 'The device’s own twin' : foreign(moduleId, 128);
  const wrong = properties.filter(({ ok }) => !ok);
  const right = properties.filter(({ ok }) => ok);
  return el(
    'section',
    { class: 'module' },
    el('h3', {}, name, ' ', el('span', { class: 'muted' }, foreign(policies.join(', '), 400))),
    !exists && el('p', { class: 'why' }, 'The module is missing.'),
    wrong.length > 0 && propertyTable(wrong, 'differs'),
    right.length > 0 &&
      el(
        'details',
        {},
        el('summary', {}, `${right.length} of ${properties.length} properties match the baseline`),
        propertyTable(right, ''),
      ),
  );
}

function propertyTable(properties: readonly ComparedProperty[], className: string): HTMLElement {
  const heads = ['Property', 'Baseline', 'Twin now'].map((text) => el('th', { scope: 'col' }, text));
  return el(
    'table',
    { class: 'diff' },
    el('thead', {}, el('tr', {}, heads)),
    el(
      'tbody',
      {},
      properties.map((property) => propertyLine(property, className)),
    ),
  );
}

function propertyLine(
  { path, kind, expected, rule, actual, message }: ComparedProperty,
  className: string,
): HTMLElement {
  return el(
    'tr',
    { class: className },
    el(
      'th',
      { scope: 'row', title: printable(path, 400) },
      foreign(path === '' ? words(kind ?? 'the twin') : shortPath(path), 300),
    ),
    el(
      'td',
      { 'data-label': 'Baseline' },
      el('code', {}, foreign(json(expected), 4200)),
      el('div', { class: 'muted' }, foreign(rule, 400)),
    ),
    el(
      'td',
      { 'data-label': 'Twin now' },
      el('code', {}, foreign(json(actual), 4200)),
      message !== undefined && el('div', { class: 'why' }, foreign(message, 1000)),
    ),
  );
}
