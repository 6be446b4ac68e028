/** An error for a request that the API refused or did not answer. */
export class Problem extends Error {
  /** What the person at the page can do about the error. Undefined when there is no advice. */
  readonly advice: string | undefined;
  /** True when the same request would fail again, so that the page does not repeat it. */
  readonly isPermanent: boolean;
  /** True when the app refuses the key in the page's address, or when the address has none. The page then shows nothing else. */
  readonly isWrongKey: boolean;

  constructor(
    message: string,
    {
      advice,
      isPermanent = false,
      isWrongKey = false,
    }: { advice?: string | undefined; isPermanent?: boolean; isWrongKey?: boolean },
  ) {
    super(message);
    this.advice = advice;
    this.isPermanent = isPermanent;
    this.isWrongKey = isWrongKey;
  }
}
