/** Shows two JSON values side by side and marks the lines that differ. */
import { el, json, printable } from '../markup/index.ts';

/** Largest number of lines that are compared. Longer texts are not compared line by line: the time grows with the square of the length. */
const mostLines = 1500;

interface Line {
  readonly text: string;
  readonly isSame: boolean;
}

/** Compares two texts line by line. The lines of their longest common subsequence count as the same. */
function compareLines(left: string, right: string): readonly [readonly Line[], readonly Line[]] {
  const [a, b] = [left.split('\n'), right.split('\n')];
  if (a.length > mostLines || b.length > mostLines) {
    const isSame = left === right;
    return [a.map((text) => ({ text, isSame })), b.map((text) => ({ text, isSame }))];
  }
  const width = b.length + 1;
  // `common[i * width + j]` is the number of common lines in two rests: the lines of `a` from index i, and the lines of `b` from index j.
  const common = new Uint16Array((a.length + 1) * width);
  const commonFrom = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j] ? commonFrom(i + 1, j + 1) + 1 : Math.max(commonFrom(i + 1, j), commonFrom(i, j + 1));
    }
  }
  const lefts: Line[] = [];
  const rights: Line[] = [];
  let [i, j] = [0, 0];
  while (true) {
    const [one, other] = [a[i], b[j]];
    if (one === undefined && other === undefined) return [lefts, rights];
    if (one !== undefined && one === other) {
      lefts.push({ text: one, isSame: true });
      rights.push({ text: one, isSame: true });
      i++;
      j++;
    } else if (one !== undefined && (other === undefined || commonFrom(i + 1, j) >= commonFrom(i, j + 1))) {
      lefts.push({ text: one, isSame: false });
      i++;
    } else if (other !== undefined) {
      rights.push({ text: other, isSame: false });
      j++;
    }
  }
}

/** Shows the value that the policy expects beside the actual value of the twin. */
export function sideBySide(expected: unknown, actual: unknown): HTMLElement {
  const spread = (value: unknown) => printable(json(sorted(value), true), 100_000);
  const [wanted, there] = compareLines(spread(expected), spread(actual));
  return el('div', { class: 'sides' }, side('Expected', wanted, '+'), side('Actual', there, '−'));
}

function side(title: string, lines: readonly Line[], sign: '+' | '−'): HTMLElement {
  const shown = lines.flatMap(({ text, isSame }) => [
    isSame ? el('span', {}, '  ', text) : el('mark', { class: sign === '+' ? 'plus' : 'minus' }, `${sign} ${text}`),
    '\n',
  ]);
  return el(
    'div',
    {},
    el('h3', {}, title),
    el('pre', { tabindex: '0', role: 'region', 'aria-label': title }, el('bdi', {}, shown.slice(0, -1))),
  );
}

/** Sorts the keys of objects, because the order of keys has no meaning in JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, its]) => [name, sorted(its)]));
}
