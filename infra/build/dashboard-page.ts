/**
 * Builds the files of the dashboard: `index.html`, `main.js` with its source map, and `main.css`. At runtime, `functions/dashboard/page.ts`
 * puts the script and the styles into the HTML document.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { bundleAsync } from 'lightningcss';
import { build } from 'rolldown';

const sources = resolve(import.meta.dirname, '../../functions/dashboard/page');

/** The names of the written files, and the paths of the source files that were bundled. */
export interface BuiltPage {
  readonly files: readonly string[];
  readonly sources: readonly string[];
}

/** Writes the files of the dashboard into a folder. */
export async function buildDashboardPage(folder: string): Promise<BuiltPage> {
  await mkdir(folder, { recursive: true });
  const [scripts, styles] = await Promise.all([
    bundleScript(join(folder, 'main.js')),
    bundleStyles(join(folder, 'main.css')),
    copyFile(join(sources, 'index.html'), join(folder, 'index.html')),
  ]);
  return { files: ['index.html', 'main.js', 'main.js.map', 'main.css'], sources: [...scripts, ...styles] };
}

/** Bundles the dashboard's script. Returns the paths of the bundled source files. */
async function bundleScript(file: string): Promise<readonly string[]> {
  const { output } = await build({
    input: join(sources, 'main.ts'),
    platform: 'browser',
    // The script has no link to its source map: the script is copied into the HTML document, where the link would be wrong.
    output: { file, format: 'esm', minify: true, sourcemap: 'hidden' },
  });
  return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}

/**
 * Bundles the dashboard's styles with Lightning CSS, because Rolldown does not bundle CSS. Returns the paths of the bundled source files.
 */
async function bundleStyles(file: string): Promise<readonly string[]> {
  const read: string[] = [];
  const { code } = await bundleAsync({
    filename: join(sources, 'styles/index.css'),
    minify: true,
    resolver: {
      // A name that begins with a dot is a path relative to the importing file. Any other name is a file of an npm package.
      resolve(name, from) {
        const path = name.startsWith('.') ? resolve(from, '..', name) : createRequire(from).resolve(name);
        read.push(path);
        return path;
      },
    },
  });
  await writeFile(file, code);
  return read;
}
