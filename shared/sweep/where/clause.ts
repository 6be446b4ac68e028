/** A part of a condition. A twin meets the condition when it meets one of its clauses. */
export interface Clause {
  /** May contain `OR` at its top level, but not `AND`. */
  readonly text: string;
  /** A condition that must hold as well. Clauses with the same guard share it. */
  readonly guard?: string;
}

/** Joins clauses with `OR`, and writes each guard once. */
export function joinClauses(clauses: readonly Clause[]): string {
  return [...Map.groupBy(clauses, ({ guard }) => guard)]
    .map(([guard, guarded]) => {
      const text = guarded.map((clause) => clause.text).join(' OR ');
      return guard === undefined ? text : `(${guard} AND (${text}))`;
    })
    .join(' OR ');
}

/** Length of a text in UTF-8 bytes. A text has no more characters than bytes, so a limit in bytes also holds in characters. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/**
 * Joins clauses to few conditions, each of at most `maxLength` bytes. Each clause goes to the first condition that has room for it. A
 * clause must not be longer than `maxLength` itself.
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
