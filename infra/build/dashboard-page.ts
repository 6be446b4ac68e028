/**
 * Builds the dashboard's page: `index.html`, `main.js` with its source map, and `main.css`. At runtime, `functions/dashboard/page.ts` puts
 * script and styles into the document.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { bundleAsync } from 'lightningcss';
import { rolldown } from 'rolldown';

const sources = resolve(import.meta.dirname, '../../functions/dashboard/page');

/** Writes the files into the folder and returns their paths. */
export async function buildDashboardPage(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  await Promise.all([
    copyFile(join(sources, 'index.html'), join(folder, 'index.html')),
    bundleScript(join(folder, 'main.js')),
    bundleStyles(join(folder, 'main.css')),
  ]);
  return ['index.html', 'main.js', 'main.js.map', 'main.css'].map((name) => join(folder, name));
}

async function bundleScript(file: string): Promise<void> {
  await using bundle = await rolldown({ input: join(sources, 'main.ts'), platform: 'browser' });
  // The script becomes part of the document: a link to the map would lead nowhere.
  await bundle.write({ file, format: 'esm', minify: true, sourcemap: 'hidden' });
}

/** Rolldown does not bundle CSS. */
async function bundleStyles(file: string): Promise<void> {
  const { code } = await bundleAsync({
    filename: join(sources, 'styles/index.css'),
    minify: true,
    resolver: {
      // A path is relative to its file; another name belongs to a package.
      resolve: (name, from) => (name.startsWith('.') ? resolve(from, '..', name) : createRequire(from).resolve(name)),
    },
  });
  await writeFile(file, code);
}
