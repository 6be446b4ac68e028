/** Functions for the child process that `measureInChild` starts. */

/** Returns the options that `measureInChild` gave to the child process. Also makes the child process exit when its parent exits. */
export function givenOptions<Options>(): Options {
  process.once('disconnect', () => process.exit());
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

/** Sends the result to the parent process, and then exits. Exits even if the measured app still has open handles. */
export function sendResult(result: unknown): void {
  if (process.send === undefined) throw new Error('Start this script with measureInChild, which receives the result.');
  process.send(result as object, () => process.exit());
}
