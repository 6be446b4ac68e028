import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildDashboardPage } from './dashboard-page.ts';
import { bundleFunctionApp } from './function-app.ts';
import { noticesOf } from './notices.ts';
import { packagesOf } from './packages.ts';
import { sbomOf } from './sbom.ts';

/** Writes the folder that is deployed. Returns the paths of the files in it. */
export async function writeFunctionApp(root: string, folder: string): Promise<readonly string[]> {
  const manifest = await readFile(join(root, 'package.json'), 'utf8');
  const { name, version, license } = JSON.parse(manifest) as Record<'name' | 'version' | 'license', string>;
  const chunks = await bundleFunctionApp(join(root, 'functions/main.ts'), folder);
  const dashboard = join(folder, 'dashboard');
  const pageFiles = await buildDashboardPage(root, dashboard);
  const packages = packagesOf([...chunks.flatMap(({ modules }) => filesWithCode(modules)), ...pageFiles]);
  await copyFile(join(root, 'host.json'), join(folder, 'host.json'));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ name, version, main: 'main.cjs' }, null, 2)}\n`);
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), noticesOf(packages));
  await writeFile(join(folder, 'sbom.cdx.json'), sbomOf({ name, version, license }, packages));
  return [
    ...chunks.flatMap(({ fileName }) => [fileName, `${fileName}.map`]),
    ...(await readdir(dashboard)).map((file) => join('dashboard', file)),
    'host.json',
    'package.json',
    'THIRD-PARTY-NOTICES.txt',
    'sbom.cdx.json',
  ].map((file) => join(folder, file));
}

function filesWithCode(modules: Readonly<Record<string, { readonly renderedLength: number }>>): readonly string[] {
  return Object.entries(modules)
    .filter(([, { renderedLength }]) => renderedLength > 0)
    .map(([file]) => file);
}
