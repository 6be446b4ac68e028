import { join } from 'node:path';
import { bundleScript } from '../build/command.ts';

/**
 * Bundles a TypeScript file of `children/` into one JavaScript file in `folder`, and returns the path of that file. The child process runs
 * JavaScript because Node's TypeScript compiler would use megabytes of the heap that is measured.
 */
export async function bundleChild(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await bundleScript(join(import.meta.dirname, 'children', `${name}.ts`), outfile);
  return outfile;
}
