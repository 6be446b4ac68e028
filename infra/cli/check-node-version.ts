/** The oldest version of Node that can run the command: major and minor number, as `engines` in package.json says. */
const oldest = [22, 18] as const;

/**
 * Checks that a version of Node can run the command.
 *
 * @throws An Error whose message is one line, names the version and says what to do.
 */
export function checkNodeVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new Error(
    `Node ${version} cannot run twinkeeper: run \`npm start\` or \`npm run twinkeeper -- …\`, which use the Node of this project, or use Node ${oldest.join('.')} or newer.`,
  );
}
