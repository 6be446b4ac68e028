/** A request that the API refused or did not answer. */
export class Problem extends Error {
  /** How the reader can help. */
  readonly advice: string | undefined;
  /** The same request will fail again. */
  readonly isPermanent: boolean;

  constructor(
    message: string,
    { advice, isPermanent = false }: { advice?: string | undefined; isPermanent?: boolean },
  ) {
    super(message);
    this.advice = advice;
    this.isPermanent = isPermanent;
  }
}
