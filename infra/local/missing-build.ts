/** Tells a half-finished build from a bug: the loader's words for the one are nothing that a person should have to read. */

/**
 * One line that says how to go on, where this message says that a built file is missing; otherwise the message as it is. The builds' file
 * names hold a hash, so nobody can list them before: what is missing shows when it is loaded.
 */
export function explainMissingBuild(message: string): string {
  const file = /Cannot find module '([^']*[\\/]dist[\\/][^']*)'/.exec(message)?.[1];
  return file === undefined ? message : `${file} is missing: run \`npm run build\`.`;
}
