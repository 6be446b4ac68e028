/** The child's end of `measureApart`. */

/** What `measureApart` was given. The child ends when its parent is gone. */
export function givenOptions<Options>(): Options {
  process.once('disconnect', () => process.exit());
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

/** Sends the result and ends, whatever the app that was measured keeps open. */
export function sendResult(result: unknown): void {
  if (process.send === undefined) throw new Error('This is for measureApart to start, which listens to the result.');
  process.send(result as object, () => process.exit());
}
