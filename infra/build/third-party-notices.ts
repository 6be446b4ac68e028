import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundledPackage } from './packages.ts';

const line = '-'.repeat(80);

/** Writes a file that lists each npm package with the texts of its licence and notice files. */
export async function writeNotices(file: string, packages: readonly BundledPackage[]): Promise<void> {
  await writeFile(file, noticesOf(packages));
}

function noticesOf(packages: readonly BundledPackage[]): string {
  const sections = packages.map((each) => {
    const texts = noticeFiles(each.folder).map((file) => readFileSync(join(each.folder, file), 'utf8').trim());
    const body =
      texts.length === 0
        ? `The package names its licence in package.json and has no licence file. Author: ${each.author}`
        : texts.join('\n\n');
    return `${line}\n${each.name} ${each.version}\nLicence: ${each.license}\n${line}\n\n${body.replaceAll('\r\n', '\n')}\n`;
  });
  return ['Twinkeeper contains code of the following packages.\n', ...sections].join('\n');
}

function noticeFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|notice|copying|third-?party-?notices?)([-.][\w.-]*)?$/i.test(name))
    .toSorted();
}
