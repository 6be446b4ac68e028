/** The error of a refused request or link. It has an AMQP error condition for the client, and a message for people. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/** Creates the refusal of an unknown address. The SDK recognises this error by its text, so the text must stay the same. */
export function notFound(path: string): Refusal {
  return new Refusal(
    'amqp:not-found',
    `The messaging entity '${path}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  );
}
