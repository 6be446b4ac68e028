/** Builds a project with its own policies, as a user has one. The project is a copy of this project in a temporary folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { inject, vi } from 'vitest';
import { createFolder } from './storage.ts';

const project = resolve(import.meta.dirname, '../..');

/** Files and folders that are not copied: the tests, and everything that is generated. */
const notCopied: ReadonlySet<string> = new Set(['.git', '.twinkeeper', 'coverage', 'dist', 'node_modules', 'test']);

export interface OwnProject {
  /** The project's folder, with `dist/` in it. */
  readonly root: string;
}

/**
 * Copies this project, replaces its list of policies by `fixture-policies.ts`, and builds it as `npm run build` does. Tests of the built
 * command and of the built app run in the copy, so they do not depend on the deployed policies. The first caller of a run builds. The others
 * wait for that build, and use the same copy: do not change its files.
 */
export async function buildOwnProject(): Promise<OwnProject> {
  const root = join(inject('runFolder'), 'own-project');
  const [isBuilt, hasFailed] = [join(root, 'is-built'), join(root, 'has-failed')];
  if (await createFolder(root)) {
    try {
      await copyAndBuild(root);
      await writeFile(isBuilt, '');
    } catch (error) {
      await writeFile(hasFailed, String(error));
      throw error;
    }
  }
  await vi.waitUntil(() => existsSync(isBuilt) || existsSync(hasFailed), { timeout: 120_000, interval: 50 });
  if (existsSync(hasFailed)) throw new Error(`The build of ${root} failed in another test file.`);
  return { root };
}

async function copyAndBuild(root: string): Promise<void> {
  await cp(project, root, {
    recursive: true,
    filter: (path) => !notCopied.has(relative(project, path).split(sep)[0] ?? ''),
  });
  await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
  await cp(join(import.meta.dirname, 'fixture-policies.ts'), join(root, 'functions/policies/index.ts'));
  await shortenTakeover(join(root, 'host.json'));
  await promisify(execFile)(process.execPath, ['infra/build/main.ts'], { cwd: root });
}

/** Lets a function host take the partitions of a killed host within seconds, so that tests of a kill do not wait for half a minute. */
async function shortenTakeover(file: string): Promise<void> {
  const hostJson = JSON.parse(await readFile(file, 'utf8')) as { extensions: { eventHubs: Record<string, unknown> } };
  hostJson.extensions.eventHubs.loadBalancingUpdateInterval = '00:00:01';
  hostJson.extensions.eventHubs.partitionOwnershipExpirationInterval = '00:00:03';
  await writeFile(file, JSON.stringify(hostJson, null, 2));
}
