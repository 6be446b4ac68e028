/** The child process's side of `measureInChild`. */

/** The options from `measureInChild`. Also ends the child when its parent exits. */
export function givenOptions<Options>(): Options {
  process.once('disconnect', () => process.exit());
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

/** Sends the result to the parent and exits, even if the measured app has open handles. */
export function sendResult(result: unknown): void {
  if (process.send === undefined) throw new Error('Start this script with measureInChild, which receives the result.');
  process.send(result as object, () => process.exit());
}
