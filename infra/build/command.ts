import { isAbsolute, join } from 'node:path';
import { build, type RolldownOutput } from 'rolldown';

/**
 * Bundles the `twinkeeper` command and the services of the local system into a folder. npm packages are not bundled: they are loaded from
 * `node_modules`. Returns the files that were written.
 */
export async function bundleCommand(root: string, folder: string): Promise<RolldownOutput['output']> {
  const sources = join(root, 'infra');
  const { output } = await build({
    input: {
      twinkeeper: join(sources, 'cli/main.ts'),
      'local/hub': join(sources, 'local/hub/main.ts'),
      'local/host': join(sources, 'local/host/main.ts'),
    },
    platform: 'node',
    external: isPackage,
    transform: { target: 'node22' },
    logLevel: 'warn',
    // Copies files that the code names with `new URL(…, import.meta.url)`.
    experimental: { resolveNewUrlToAsset: true },
    output: {
      dir: folder,
      format: 'esm',
      entryFileNames: '[name].js',
      assetFileNames: 'local/[name][extname]',
      chunkFileNames: 'local/chunks/[name]-[hash].js',
      sourcemap: true,
    },
  });
  return output;
}

/** Bundles one TypeScript file into one JavaScript file. npm packages are not bundled: they are loaded from `node_modules`. */
export async function bundleScript(entry: string, outfile: string): Promise<void> {
  await build({
    input: entry,
    platform: 'node',
    external: isPackage,
    transform: { target: 'node22' },
    logLevel: 'warn',
    output: { file: outfile, format: 'esm', codeSplitting: false },
  });
}

function isPackage(id: string): boolean {
  return !id.startsWith('.') && !isAbsolute(id);
}
