/** A text is not in the query language. The message says where, what stands there, and what should. */
export class QuerySyntaxError extends Error {
  override readonly name = 'QuerySyntaxError';
  /** Characters before the fault. */
  readonly position: number;

  constructor(position: number, fault: string) {
    super(`Syntax error at position ${position}: ${fault}`);
    this.position = position;
  }
}
