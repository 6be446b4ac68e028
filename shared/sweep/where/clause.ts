/** One part of a condition in a query. A twin meets the condition when it meets at least one of the clauses. */
export interface Clause {
  /** Text of the clause. The text may contain `OR` at its top level, but not `AND`. */
  readonly text: string;
  /** A second condition that the twin must also meet. Clauses with the same guard share one copy of the guard's text. */
  readonly guard?: string;
}

/** Joins clauses with `OR`. Writes the text of each guard once. */
export function joinClauses(clauses: readonly Clause[]): string {
  return [...Map.groupBy(clauses, ({ guard }) => guard)]
    .map(([guard, guarded]) => {
      const text = guarded.map((clause) => clause.text).join(' OR ');
      return guard === undefined ? text : `(${guard} AND (${text}))`;
    })
    .join(' OR ');
}

/**
 * Returns the length of a text in UTF-8 bytes. A text never has more characters than bytes, so a limit in bytes also limits the characters.
 */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/**
 * Joins clauses into few conditions of at most `maxLength` bytes each. Each clause goes to the first condition that has room for it. A
 * clause alone must not be longer than `maxLength`.
 */
export function packClauses(clauses: readonly Clause[], maxLength: number): readonly string[] {
  const groups: Clause[][] = [];
  for (const clause of clauses) {
    const group = groups.find((candidate) => byteLength(joinClauses([...candidate, clause])) <= maxLength);
    if (group === undefined) groups.push([clause]);
    else group.push(clause);
  }
  return groups.map(joinClauses);
}
