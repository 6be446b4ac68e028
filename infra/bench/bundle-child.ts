import { join } from 'node:path';
import { bundleScript } from '../build/command.ts';

/**
 * Bundles a file of `children/` as JavaScript into a folder and returns its path: run as TypeScript, it would bring Node's compiler with
 * it, whose megabytes come and go in the heap that is measured.
 */
export async function bundleChild(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await bundleScript(join(import.meta.dirname, 'children', `${name}.ts`), outfile);
  return outfile;
}
