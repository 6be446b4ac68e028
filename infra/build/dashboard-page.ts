/**
 * Builds the dashboard's page: `index.html`, `main.js` with its source map, and `main.css`. At runtime, `functions/dashboard/page.ts` puts
 * script and styles into the document.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { bundleAsync } from 'lightningcss';
import { build } from 'rolldown';

const sources = resolve(import.meta.dirname, '../../functions/dashboard/page');

/** The files of the page, by name, and the source files with code in them. */
export interface BuiltPage {
  readonly files: readonly string[];
  readonly sources: readonly string[];
}

/** Writes the files into the folder. */
export async function buildDashboardPage(folder: string): Promise<BuiltPage> {
  await mkdir(folder, { recursive: true });
  const [scripts, styles] = await Promise.all([
    bundleScript(join(folder, 'main.js')),
    bundleStyles(join(folder, 'main.css')),
    copyFile(join(sources, 'index.html'), join(folder, 'index.html')),
  ]);
  return { files: ['index.html', 'main.js', 'main.js.map', 'main.css'], sources: [...scripts, ...styles] };
}

/** Returns the source files of the script. */
async function bundleScript(file: string): Promise<readonly string[]> {
  const { output } = await build({
    input: join(sources, 'main.ts'),
    platform: 'browser',
    // The script becomes part of the document: a link to the map would lead nowhere.
    output: { file, format: 'esm', minify: true, sourcemap: 'hidden' },
  });
  return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}

/** Rolldown does not bundle CSS. Returns the source files of the styles. */
async function bundleStyles(file: string): Promise<readonly string[]> {
  const read: string[] = [];
  const { code } = await bundleAsync({
    filename: join(sources, 'styles/index.css'),
    minify: true,
    resolver: {
      // A path is relative to its file; another name belongs to a package.
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
