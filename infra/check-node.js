/**
 * Ends with one sentence unless this Node can load TypeScript. This file is JavaScript so that every Node can run it.
 * npm scripts run on the Node of the `node` package. That package installs Node in a script, so `npm ci --ignore-scripts` leaves it out.
 */
if (!process.features.typescript) {
  process.stderr.write(
    `Node ${process.versions.node} cannot load TypeScript, and the bundled Node is missing: ` +
      'run `npm ci --ignore-scripts=false`, or use Node 22.18 or newer.\n',
  );
  process.exitCode = 1;
}
