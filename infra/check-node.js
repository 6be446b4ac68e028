/**
 * Ends with a message of one sentence if this version of Node cannot load TypeScript files. This file is JavaScript, so that every version
 * of Node can run it.
 * npm scripts run on the Node of the npm package `node`. That package installs Node with an install script, so `npm ci --ignore-scripts`
 * does not install it.
 */
if (!process.features.typescript) {
  process.stderr.write(
    `Node ${process.versions.node} cannot load TypeScript, and the bundled Node is missing: ` +
      'run `npm ci --ignore-scripts=false`, or use Node 22.18 or newer.\n',
  );
  process.exitCode = 1;
}
