/** Explains an error of Node's module loader when a file of the build is missing. */

/**
 * If the error message says that a file of `dist/` is missing, returns one line that says to run the build. Otherwise returns the message
 * unchanged. The program cannot check beforehand which files exist, because their names contain a hash.
 */
export function explainMissingBuild(message: string): string {
  const file = /Cannot find module '([^']*[\\/]dist[\\/][^']*)'/.exec(message)?.[1];
  return file === undefined ? message : `${file} is missing: run \`npm run build\`.`;
}
