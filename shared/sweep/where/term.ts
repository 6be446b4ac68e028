/** One part of a scope's condition. `text` is absent where a query cannot express this part. */
export interface Term {
  /** May contain `AND` at its top level, but not `OR`. */
  readonly text?: string;
  /** The opposite of `text`. Absent where a query cannot express the opposite. It needs no parentheses as an operand of `OR`. */
  readonly negated?: string;
  /** True where `text` also matches devices outside of the scope. */
  readonly loose?: boolean;
}

/**
 * Returns the terms for devices that meet at least one of these terms. A term with an empty text is met by every device. The result is empty
 * where every device meets the terms.
 */
export function anyOf(terms: readonly Term[]): readonly Term[] {
  const [only] = terms;
  if (terms.some(({ text }) => text === '')) return [];
  if (only === undefined || terms.length === 1) return terms;
  if (terms.some(({ text }) => text === undefined)) return [{}];
  const negated = terms.map((term) => term.negated);
  return [
    {
      text: `(${terms.map(({ text }) => (text?.includes(' AND ') ? `(${text})` : text)).join(' OR ')})`,
      ...(negated.includes(undefined) ? {} : { negated: `(${negated.map((text) => `(${text})`).join(' AND ')})` }),
      ...(terms.some(({ loose }) => loose) ? { loose: true } : {}),
    },
  ];
}
