import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputAsset, OutputChunk } from 'rolldown';
import { buildDashboardPage } from './dashboard-page.ts';
import { bundleFunctionApp } from './function-app.ts';
import { packagesOf } from './packages.ts';
import { sbomOf } from './sbom.ts';
import { writeNotices } from './third-party-notices.ts';

/** Writes the whole folder that is deployed to Azure Functions. Returns the paths of the written files. */
export async function writeFunctionApp(root: string, folder: string): Promise<readonly string[]> {
  const manifest = await readFile(join(root, 'package.json'), 'utf8');
  const { name, version, license } = JSON.parse(manifest) as Record<'name' | 'version' | 'license', string>;
  const output = await bundleFunctionApp(join(root, 'functions/main.ts'), folder);
  const page = await buildDashboardPage(join(folder, 'dashboard'));
  const packages = packagesOf([...output.flatMap(filesWithCode), ...page.sources]);
  await copyFile(join(root, 'host.json'), join(folder, 'host.json'));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ name, version, main: 'main.cjs' }, null, 2)}\n`);
  await writeNotices(join(folder, 'THIRD-PARTY-NOTICES.txt'), packages);
  await writeFile(join(folder, 'sbom.cdx.json'), sbomOf({ name, version, license }, packages));
  return [
    ...output.map(({ fileName }) => fileName),
    ...page.files.map((file) => join('dashboard', file)),
    'host.json',
    'package.json',
    'THIRD-PARTY-NOTICES.txt',
    'sbom.cdx.json',
  ].map((file) => join(folder, file));
}

function filesWithCode(file: OutputChunk | OutputAsset): readonly string[] {
  if (file.type === 'asset') return [];
  return file.moduleIds.filter((id) => (file.modules[id]?.renderedLength ?? 0) > 0);
}
