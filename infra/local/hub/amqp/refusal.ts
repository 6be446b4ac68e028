/** A request that the endpoint turns down: the AMQP error condition a client acts on, and a sentence for a person. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/** The refusal of a name that this endpoint does not serve. The SDK knows the error by this very wording. */
export function notFound(path: string): Refusal {
  return new Refusal(
    'amqp:not-found',
    `The messaging entity '${path}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  );
}
