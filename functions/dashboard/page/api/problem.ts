/** An error for a request that the API refused or did not answer. */
export class Problem extends Error {
  /** What the person at the page can do about the error. Undefined when there is no advice. */
  readonly advice: string | undefined;
  /** True when the same request would fail again, so that the page does not repeat it. */
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
