/** Recognises an error of Node's module loader that a missing or unfinished build causes. */

/**
 * Returns one line with the way out when the message says that a file of `dist/` is missing, and otherwise the message itself. The files
 * cannot be checked beforehand, because their names contain a hash.
 */
export function explainMissingBuild(message: string): string {
  const file = /Cannot find module '([^']*[\\/]dist[\\/][^']*)'/.exec(message)?.[1];
  return file === undefined ? message : `${file} is missing: run \`npm run build\`.`;
}
