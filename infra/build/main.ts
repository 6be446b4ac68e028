/**
 * Checks the deployed policies, and builds nothing when one is wrong. Builds the function app in `dist/function-app/`, which is the folder
 * that is deployed. Builds the command `dist/twinkeeper.js`, and the services of the local system in `dist/local/`. Also writes the JSON
 * Schema of policies into the folder of the policies.
 */
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { policyJsonSchema } from '../../shared/policy/index.ts';
import { projectRoot } from '../local/project.ts';
import { checkPolicies } from './check-policies.ts';
import { bundleCommand } from './command.ts';
import { writeFunctionApp } from './write-function-app.ts';

const root = projectRoot();
await checkPolicies(join(root, 'functions/policies/index.ts'));
const dist = join(root, 'dist');

await writeFile(
  join(root, 'functions/policies/policy.schema.json'),
  `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
);

const [command, app] = await Promise.all([
  bundleCommand(root, dist),
  writeFunctionApp(root, join(dist, 'function-app')),
]);
const written = new Set([...command.map(({ fileName }) => join(dist, fileName)), ...app]);

// Removes the files of earlier builds, and folders that hold none of the new files.
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  const isOld = entry.isFile() ? !written.has(path) : ![...written].some((file) => file.startsWith(`${path}${sep}`));
  if (isOld) await rm(path, { recursive: true, force: true });
}
await chmod(join(dist, 'twinkeeper.js'), 0o755);
