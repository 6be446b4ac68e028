/** A refused request or link: an AMQP error condition for the client, and a message for people. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/** The refusal of an unknown address. The SDK recognises the error by this exact text. */
export function notFound(path: string): Refusal {
  return new Refusal(
    'amqp:not-found',
    `The messaging entity '${path}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  );
}
