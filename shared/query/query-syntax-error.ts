/** Thrown for a text that is not in the query language. The message names the position and the fault. */
export class QuerySyntaxError extends Error {
  override readonly name = 'QuerySyntaxError';
  /** Number of characters before the fault. */
  readonly position: number;

  constructor(position: number, fault: string) {
    super(`Syntax error at position ${position}: ${fault}`);
    this.position = position;
  }
}
