/** Thrown when a text is not in the query language of IoT Hub. The message says what is wrong and at which position. */
export class QuerySyntaxError extends Error {
  override readonly name = 'QuerySyntaxError';
  /** Position of the error: the number of characters before it in the text. */
  readonly position: number;

  constructor(position: number, fault: string) {
    super(`Syntax error at position ${position}: ${fault}`);
    this.position = position;
  }
}
