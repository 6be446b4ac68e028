/** Builds a project with its own policies, as a user has one. The project is a copy of this project in a temporary folder. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';

const project = resolve(import.meta.dirname, '../..');

/** Files and folders that are not copied: the tests, and everything that is generated. */
const notCopied: ReadonlySet<string> = new Set(['.git', '.twinkeeper', 'coverage', 'dist', 'node_modules', 'test']);

export interface OwnProject {
  /** Path of the project's folder. The folder contains the built `dist/`. */
  readonly root: string;
  remove(): Promise<void>;
}

/**
 * Copies this project, replaces its list of policies with `fixture-policies.ts`, and builds it as `npm run build` does. Tests of the built
 * command and of the built app use this copy, so they do not depend on the deployed policies.
 */
export async function buildOwnProject(): Promise<OwnProject> {
  const root = await mkdtemp(join(tmpdir(), 'twinkeeper-project-'));
  await cp(project, root, {
    recursive: true,
    filter: (path) => !notCopied.has(relative(project, path).split(sep)[0] ?? ''),
  });
  await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
  await cp(join(import.meta.dirname, 'fixture-policies.ts'), join(root, 'functions/policies/index.ts'));
  await promisify(execFile)(process.execPath, ['infra/build/main.ts'], { cwd: root });
  return { root, remove: () => rm(root, { recursive: true }) };
}
