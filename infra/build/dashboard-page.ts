import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Copies the dashboard's page into a folder. Returns the files of packages that are part of it. */
export async function buildDashboardPage(root: string, folder: string): Promise<readonly string[]> {
  const sources = join(root, 'functions/api/dashboard');
  const uPlot = dirname(createRequire(import.meta.url).resolve('uplot'));
  const own = (await readdir(sources)).filter((name) => !name.endsWith('.ts')).map((name) => join(sources, name));
  const libraries = ['uPlot.min.css', 'uPlot.iife.min.js'].map((name) => join(uPlot, name));
  await mkdir(folder, { recursive: true });
  for (const file of [...own, ...libraries]) await copyFile(file, join(folder, file.slice(dirname(file).length + 1)));
  return libraries;
}
