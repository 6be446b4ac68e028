import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** An npm package whose code is in the bundled function app. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** The licence of the package, as an SPDX expression such as `MIT OR Apache-2.0`. */
  readonly license: string;
  readonly author: string;
  readonly folder: string;
}

/**
 * The npm packages to which these files belong, sorted by name and version. Files outside `node_modules` are the project's own and are left
 * out.
 */
export function packagesOf(files: Iterable<string>): readonly BundledPackage[] {
  const folders = new Set([...files].map(packageFolderOf).filter((folder) => folder !== undefined));
  const packages = new Map([...folders].map(readPackage).map((each) => [`${each.name}@${each.version}`, each]));
  return [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** The name of the npm package to which a file belongs. `undefined` for a file outside `node_modules`. */
export function packageNameOf(file: string): string | undefined {
  const folder = packageFolderOf(file);
  return folder?.slice(folder.lastIndexOf(nodeModules) + nodeModules.length).replaceAll(sep, '/');
}

const nodeModules = `${sep}node_modules${sep}`;

function packageFolderOf(file: string): string | undefined {
  const at = file.lastIndexOf(nodeModules);
  if (at < 0) return undefined;
  const from = at + nodeModules.length;
  const parts = file.slice(from).split(sep);
  return file.slice(0, from) + parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join(sep);
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name: string };
  /** The licences in the form of npm before 2014. Some old packages have this field instead of `license`. */
  readonly licenses?: readonly { readonly type: string }[];
}

function readPackage(folder: string): BundledPackage {
  const file = join(folder, 'package.json');
  const {
    name,
    version,
    license,
    licenses = [],
    author = 'unknown',
  } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  const expression = license ?? licenses.map(({ type }) => type).join(' OR ');
  if (expression === '') throw new Error(`${file} names no licence.`);
  return {
    name,
    version,
    license: expression,
    author: typeof author === 'string' ? author : author.name,
    folder,
  };
}
