import { writeLiteral } from '../../query/index.ts';

/**
 * Returns conditions for a text at a path, given the pieces of a pattern. A text that matches the pattern meets all conditions. Where the
 * pattern is {@link isExact}, a text that meets all conditions also matches the pattern.
 */
export function patternTests(path: string, pieces: readonly string[]): readonly string[] {
  const [first = '', ...inner] = pieces;
  const last = inner.pop();
  if (last === undefined) return [`(${path} = ${writeLiteral(first)})`];
  const test = (name: string, piece: string) => (piece === '' ? [] : [`${name}(${path}, ${writeLiteral(piece)})`]);
  return [
    ...test('STARTSWITH', first),
    ...[...new Set(inner)].flatMap((piece) => test('CONTAINS', piece)),
    ...test('ENDSWITH', last),
  ];
}

/** Whether a query can test the whole pattern. A query cannot test the order of inner pieces, or whether two pieces overlap. */
export function isExact(pieces: readonly string[]): boolean {
  const [first = '', ...inner] = pieces;
  const last = inner.pop();
  if (last === undefined) return true;
  return inner.length === 0 ? !canOverlap(first, last) : inner.length === 1 && first === '' && last === '';
}

/** Whether a text can start with `first` and end with `last`, and still be shorter than `first` and `last` together. */
function canOverlap(first: string, last: string): boolean {
  const shorter = Math.min(first.length, last.length);
  return Array.from({ length: shorter }, (_, index) => index + 1).some((length) =>
    first.endsWith(last.slice(0, length)),
  );
}
