/**
 * Builds what is run: `dist/main.cjs`, the single file that Azure Functions loads, and `dist/twinkeeper.js` with the services of
 * the local system beside it. Also writes the JSON Schema of policies, which stands where policies are written.
 */
import { chmod, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { policyJsonSchema } from '../shared/policy/index.ts';
import { appBundle } from './app-bundle.ts';

await rm('dist', { recursive: true, force: true });

await Promise.all([
  writeFile('functions/policies/policy.schema.json', `${JSON.stringify(policyJsonSchema(), null, 2)}\n`),
  build({
    entryPoints: { main: 'functions/main.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    ...appBundle,
  }),
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
    logLevel: 'warning',
  }),
]);
await chmod('dist/twinkeeper.js', 0o755);
