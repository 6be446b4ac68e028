/** A list whose entries are grouped by their reason, because one cause often stops hundreds of repairs. */
import { type Child, el, foreign } from './elements.ts';
import { count } from './numbers.ts';

/** Groups with at most this many entries show their entries at once. */
const mostShown = 3;

interface Grouped<T> {
  reasonOf(item: T): string;
  /** An entry without its reason. In a group, it can leave out what `describeGroup` has said. */
  describe(item: T, isInGroup: boolean): Child;
  /** What the entries of a group have in common, such as a badge. */
  describeGroup(items: readonly T[]): Child;
  /** What an entry is, in the plural, such as `rows`. */
  readonly noun: string;
}

/** The list. Reasons with the most entries come first. A reason is written once, with the number of its entries. */
export function reasonGroups<T>(
  items: readonly T[],
  { reasonOf, describe, describeGroup, noun }: Grouped<T>,
): HTMLElement {
  const groups = [...Map.groupBy(items, reasonOf)].toSorted(([, a], [, b]) => b.length - a.length);
  return el(
    'ul',
    { class: 'open-list' },
    groups.map(([reason, its]) => {
      const [only] = its;
      const why = el('div', { class: 'why' }, foreign(reason, 400));
      if (its.length === 1 && only !== undefined) return el('li', {}, describe(only, false), why);
      const text = `${count(its.length)} ${noun}`;
      return el(
        'li',
        {},
        el('div', { class: 'open-head' }, describeGroup(its), el('span', { class: 'tag' }, text)),
        why,
        el(
          'details',
          { 'data-key': `${noun} ${reason}`, open: its.length <= mostShown },
          el('summary', {}, `Show the ${text}`),
          el(
            'ul',
            { class: 'grouped' },
            its.map((item) => el('li', {}, describe(item, true))),
          ),
        ),
      );
    }),
  );
}
