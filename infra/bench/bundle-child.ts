import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles a file of `children/` as JavaScript into a folder and returns its path: run as TypeScript, it would bring Node's compiler with
 * it, whose megabytes come and go in the heap that is measured.
 */
export async function bundleChild(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, 'children', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}
