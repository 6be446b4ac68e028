/**
 * Builds what is run: `dist/main.cjs`, which Azure Functions loads, with the dashboard's page in `dist/dashboard/`, and
 * `dist/twinkeeper.js` with the services of the local system beside it. Also writes the JSON Schema of policies, which stands where policies are written.
 */
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { policyJsonSchema } from '../shared/policy/index.ts';
import { bundleApp } from './app-bundle.ts';
import { buildDashboardPage } from './build/dashboard-page.ts';

await writeFile('functions/policies/policy.schema.json', `${JSON.stringify(policyJsonSchema(), null, 2)}\n`);

const app = 'dist/main.cjs';
const [{ metafile }, , pageFiles] = await Promise.all([
  build({
    entryPoints: {
      twinkeeper: 'infra/local/main.ts',
      'local/hub': 'infra/local/hub/main.ts',
      'local/host': 'infra/local/host/main.ts',
    },
    outdir: 'dist',
    chunkNames: 'local/chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    packages: 'external',
    sourcemap: true,
    metafile: true,
    logLevel: 'warning',
  }),
  bundleApp({ entryPoints: ['functions/main.ts'] }, app),
  buildDashboardPage('dist/dashboard'),
]);
// What earlier builds left goes last, and what is the same stays in its place: somebody may be running it.
const wanted = new Set([app, ...pageFiles, ...Object.keys(metafile.outputs)].map((file) => resolve(file)));
for (const entry of await readdir('dist', { recursive: true, withFileTypes: true })) {
  const file = resolve(join(entry.parentPath, entry.name));
  if (entry.isFile() && !wanted.has(file)) await rm(file);
}
await chmod('dist/twinkeeper.js', 0o755);
