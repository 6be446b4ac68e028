/** A part of a condition. A document meets a condition when it meets one of its clauses. */
export interface Clause {
  /** May hold `OR` on its top level, but no `AND`. */
  readonly text: string;
  /** What must hold as well; clauses with the same guard share it. */
  readonly guard?: string;
}

/** Clauses joined by `OR`, with each guard written once. */
export function joinClauses(clauses: readonly Clause[]): string {
  return [...Map.groupBy(clauses, ({ guard }) => guard)]
    .map(([guard, its]) => {
      const text = its.map((clause) => clause.text).join(' OR ');
      return guard === undefined ? text : `(${guard} AND (${text}))`;
    })
    .join(' OR ');
}

/** How long a text is at most, however the service counts: characters outside ASCII only stand in keys, as they are. */
export function lengthOf(text: string): number {
  return Buffer.byteLength(text);
}

/**
 * Joins clauses to as few conditions as will do, each no longer than `room`: every clause goes to the first one in which it still fits.
 * Each clause alone must fit.
 */
export function packClauses(clauses: readonly Clause[], room: number): readonly string[] {
  const parts: Clause[][] = [];
  for (const clause of clauses) {
    const part = parts.find((its) => lengthOf(joinClauses([...its, clause])) <= room);
    if (part === undefined) parts.push([clause]);
    else part.push(clause);
  }
  return parts.map(joinClauses);
}
