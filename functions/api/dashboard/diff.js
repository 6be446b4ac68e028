/** Two JSON values side by side, line by line. */
import { el, json, printable } from './text.js';

/** Beyond so many lines nobody compares by eye, and finding what they have in common would take long. */
const mostLines = 1500;

/** Lines of two texts, each `{ text, isSame }`, by their longest common subsequence. */
export function compareLines(left, right) {
  const [a, b] = [left.split('\n'), right.split('\n')];
  if (a.length > mostLines || b.length > mostLines) {
    const isSame = left === right;
    return [a.map((text) => ({ text, isSame })), b.map((text) => ({ text, isSame }))];
  }
  // lengths[i][j]: what a from i on and b from j on have in common.
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const [lefts, rights] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lefts.push({ text: a[i++], isSame: true });
      rights.push({ text: b[j++], isSame: true });
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      lefts.push({ text: a[i++], isSame: false });
    } else {
      rights.push({ text: b[j++], isSame: false });
    }
  }
  return [lefts, rights];
}

/** What a policy expects beside what is there. */
export function sideBySide(expected, actual) {
  const spread = (value) => printable(json(sorted(value), true), 100_000);
  const [wanted, there] = compareLines(spread(expected), spread(actual));
  return el('div', { class: 'sides' }, side('Expected', wanted, '+'), side('Actual', there, '−'));
}

function side(title, lines, sign) {
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

/** The same with its keys in order: the order of keys says nothing. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, its]) => [name, sorted(its)]));
}
