/** The form with the filters of the page. The values of the form are written into the page's address. On a phone, the form can be closed. */
import type { DriftKind, Outcome, PolicyAnswer } from '../../../api/history-answers.ts';
import { el, fill, find, printable, words } from '../markup/index.ts';
import { type FilterName, type Filters, filterNames, go, link, toFinder } from '../view/index.ts';

const kinds: readonly DriftKind[] = [
  'missingModule',
  'missingBaseline',
  'missingProperty',
  'wrongValue',
  'forbiddenProperty',
  'notReported',
  'custom',
  'policyError',
];

const outcomes: readonly Outcome[] = [
  'created',
  'enforced',
  'audited',
  'healed',
  'superseded',
  'gone',
  'retired',
  'heldBack',
  'failed',
  'pending',
  'deferred',
];

interface FilterForm {
  /** Adds the names of the policies to the list of choices. */
  offerPolicies(policies: readonly PolicyAnswer[]): void;
  show(filters: Filters): void;
}

export function createFilterForm(): FilterForm {
  const form = find('filters', HTMLFormElement);
  const box = find('filter-box', HTMLDetailsElement);
  fill(find('find-device'), link(toFinder('', ''), { class: 'button' }, 'Find devices…'));
  const phone = matchMedia('(max-width: 760px)');
  const openOrClose = () => {
    box.open = !phone.matches;
  };
  phone.addEventListener('change', openOrClose);
  openOrClose();
  for (const kind of kinds) fieldOf('kind').append(el('option', { value: kind }, words(kind)));
  for (const outcome of outcomes) fieldOf('outcome').append(el('option', { value: outcome }, words(outcome)));

  function fieldOf(name: FilterName): HTMLInputElement | HTMLSelectElement {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) return field;
    throw new Error(`The form has no field with the name "${name}".`);
  }

  function apply(): void {
    go(Object.fromEntries(filterNames.map((name) => [name, fieldOf(name).value.trim()])));
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    apply();
  });
  form.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLSelectElement) apply();
  });
  form.addEventListener('reset', (event) => {
    event.preventDefault();
    go(Object.fromEntries(filterNames.map((name) => [name, undefined])));
  });

  function offer(field: HTMLInputElement | HTMLSelectElement, value: string): void {
    if (field instanceof HTMLInputElement || [...field.options].some((option) => option.value === value)) return;
    field.append(el('option', { value }, printable(value, 64)));
  }

  return {
    offerPolicies(policies) {
      for (const { name } of policies) offer(fieldOf('policy'), name);
    },
    show(filters) {
      const chosen = filterNames.flatMap((name) => filters[name] ?? []).map((value) => printable(words(value), 60));
      fill(find('filter-summary'), chosen.length === 0 ? 'none' : chosen.join(', '));
      for (const name of filterNames) {
        const field = fieldOf(name);
        const wanted = filters[name] ?? '';
        offer(field, wanted);
        // The value is set only when it differs. Otherwise the text cursor of a user who is typing would move.
        if (field.value !== wanted) field.value = wanted;
      }
    },
  };
}
