/** Loads the policies of a folder. They need not be deployed. All files are first bundled as JavaScript, so the files can be TypeScript. */
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BundleError, RolldownLog } from 'rolldown';
import {
  describeThrown,
  type PolicyDefinition,
  PolicyFaultsError,
  type PolicySet,
  policyFromJson,
  toPolicySet,
} from '../../shared/policy/index.ts';
import { jsonEquals } from '../../shared/twin/index.ts';

/** A policy, and the path of the file that exports it. */
interface LoadedPolicy {
  readonly file: string;
  readonly definition: PolicyDefinition;
}

/** One fault of a policy file, or of a policy in it. */
export interface PolicyFileFault {
  /** Path of the file. For a syntax error, the line and the column follow. If two files have a policy of one name, it has both paths. */
  readonly file: string;
  /** Name of the policy. Absent when the file as a whole is wrong. */
  readonly policy?: string;
  /** Dotted path in the policy, such as `desired.Process_Mode`. Absent when the policy as a whole is wrong. */
  readonly path?: string;
  readonly message: string;
}

/** Thrown when policies cannot be loaded or are wrong. The message lists each fault on a separate line. */
export class PolicyFilesError extends Error {
  override readonly name = 'PolicyFilesError';
  readonly faults: readonly PolicyFileFault[];

  constructor(source: string, faults: readonly PolicyFileFault[]) {
    const lines = faults.map(({ file, policy, path, message }) => {
      const where = policy === undefined ? '' : `${policy}${path === undefined ? '' : ` at ${path}`}: `;
      return `  ${file}: ${where}${message}`;
    });
    super(
      `${faults.length === 1 ? 'One fault' : `${faults.length} faults`} in the policies of ${source}:\n${lines.join('\n')}`,
    );
    this.faults = faults;
  }
}

/** The exports of a policy file that are read: the default export, and the list named `policies`. */
interface Exports {
  readonly default?: unknown;
  readonly policies?: unknown;
}

/** Whether a file of this name can hold policies. Files of type declarations, tests and JSON schemas cannot. */
const isPolicyFile = (name: string): boolean =>
  /\.(ts|js|mjs|json)$/.test(name) && !/\.(d|test|spec)\.[^.]+$|\.schema\.json$/.test(name);

/**
 * Loads the policies of a folder: the default export of each `.ts`, `.js` and `.mjs` file, each `.json` file, and each exported list named
 * `policies`, as in an `index.ts`. A policy that two files export counts once. Subfolders are not read, so they can hold code that policies
 * share.
 *
 * @throws {PolicyFilesError} with every fault. Faults are: a file cannot be loaded, a file exports no policy, a policy has errors.
 * @throws An Error whose message is one line, when the folder cannot be read or has no policies.
 */
export async function loadPolicies(folder: string): Promise<PolicySet> {
  const names = (await filesIn(folder)).filter(isPolicyFile);
  if (names.length === 0) throw new Error(`${folder} has no policies: it has no .ts, .js, .mjs or .json file.`);
  // Index files are loaded last. A fault of a policy is then reported for the policy's own file, and not for the index file.
  const ordered = names.toSorted((a, b) => Number(isIndex(a)) - Number(isIndex(b)) || (a < b ? -1 : 1));
  return loadFiles(folder, ordered);
}

/**
 * Loads the list `policies` that a file exports, such as the list of the deployed policies.
 *
 * @throws {PolicyFilesError} with every fault. Faults are: the file cannot be loaded, it exports no list `policies`, a policy has errors.
 */
export async function loadPolicyList(file: string): Promise<PolicySet> {
  const faults: PolicyFileFault[] = [];
  const [loaded] = await loadAll(dirname(file), [basename(file)], faults);
  const list = loaded?.[1].policies;
  if (loaded !== undefined && !Array.isArray(list)) faults.push({ file, message: 'exports no list named policies.' });
  const definitions: readonly unknown[] = Array.isArray(list) ? list : [];
  const policies = definitions.map((definition): LoadedPolicy => ({ file, definition: policyFromJson(definition) }));
  return checked(policies, faults, file);
}

/** Loads the policies of these files in a folder. */
async function loadFiles(folder: string, names: readonly string[]): Promise<PolicySet> {
  const faults: PolicyFileFault[] = [];
  const policies: LoadedPolicy[] = [];
  for (const [name, exported] of await loadAll(folder, names, faults)) {
    const file = join(folder, name);
    const definitions = definitionsIn(exported);
    if (definitions === undefined) {
      faults.push({ file, message: 'exports no policy. Add a default export, or move the file to a subfolder.' });
    }
    for (const definition of definitions ?? []) {
      // Each import of a JSON file gives a new object. A policy that an index file exports again is therefore an equal object and not the
      // same object.
      const isKnown = policies.some(
        (other) =>
          other.definition === definition ||
          (isIndex(name) && jsonEquals(other.definition as never, definition as never)),
      );
      if (!isKnown) policies.push({ file, definition: policyFromJson(definition) });
    }
  }
  return checked(policies, faults, folder);
}

/**
 * Validates all policies together. `source` is the path that the error message names.
 *
 * @throws {PolicyFilesError} with these faults and the faults of the policies, when there is at least one.
 */
function checked(policies: readonly LoadedPolicy[], faults: PolicyFileFault[], source: string): PolicySet {
  const set = check(policies, faults);
  if (set === undefined || faults.length > 0) throw new PolicyFilesError(source, faults);
  return set;
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`There is no folder ${folder}.`);
    if (code === 'ENOTDIR')
      throw new Error(`${folder} is not a folder: --policies takes the folder that holds the policies.`);
    throw new Error(`${folder} cannot be read: ${message}`);
  }
}

/** Validates all policies together, and adds each fault of a policy to `faults` with the name of the policy's file. */
function check(policies: readonly LoadedPolicy[], faults: PolicyFileFault[]): PolicySet | undefined {
  try {
    return toPolicySet(
      policies.map(({ definition }) => definition),
      { mode: 'enforce' },
    );
  } catch (error) {
    if (!(error instanceof PolicyFaultsError)) throw error;
    for (const { policy, path, message } of error.faults) {
      const files = policies.filter(
        ({ definition }, index) => nameOf(definition) === policy || `policy ${index + 1}` === policy,
      );
      const file = [...new Set(files.map((each) => each.file))].join(' and ') || 'unknown file';
      faults.push({ file, policy, ...(path === '' ? {} : { path }), message });
    }
    return undefined;
  }
}

function nameOf(definition: unknown): unknown {
  return (definition as { readonly name?: unknown } | null | undefined)?.name;
}

function isIndex(name: string): boolean {
  return /^index\.[^.]+$/.test(name);
}

/** The policies that a file exports. `undefined` when the file exports neither a policy nor a list of policies. */
function definitionsIn({ default: single, policies: list }: Exports): readonly unknown[] | undefined {
  if (single === undefined && !Array.isArray(list)) return undefined;
  return [single, ...(Array.isArray(list) ? list : [])].flat().filter((definition) => definition !== undefined);
}

/**
 * Bundles all files into one file, and loads that file. A module that several policy files import is then loaded once. Without the bundle,
 * old versions of Node could not load TypeScript, and folders without `node_modules` could not import packages.
 */
async function loadAll(
  folder: string,
  names: readonly string[],
  faults: PolicyFileFault[],
): Promise<readonly (readonly [string, Exports])[]> {
  const [{ build }, target] = await Promise.all([import('rolldown'), mkdtemp(join(tmpdir(), 'twinkeeper-policies-'))]);
  const unresolved: RolldownLog[] = [];
  const entry = join(target, 'entry.mjs');
  const outfile = join(target, 'policies.mjs');
  const endedEarly = () => {
    process.stderr.write(
      `twinkeeper: The policies of ${folder} cannot be loaded: the process ended while their files ran. Do they call process.exit, ` +
        'or await a promise that never settles?\n',
    );
    process.exitCode = 1;
    rmSync(target, { recursive: true, force: true });
  };
  const imports = names.map(
    (name) => `[${JSON.stringify(name)}, () => import(${JSON.stringify(join(resolve(folder), name))})]`,
  );
  try {
    await writeFile(entry, `export const files = [${imports.join(', ')}];`);
    await build({
      input: entry,
      platform: 'node',
      transform: { target: 'node20' },
      onLog(_level, log) {
        // An import of a missing package is a fault. Rolldown would only leave such an import in the bundle, and Node would then load none
        // of the files.
        if (log.code === 'UNRESOLVED_IMPORT') unresolved.push(log);
      },
      output: { file: outfile, format: 'esm', codeSplitting: false, sourcemap: 'inline' },
    });
    if (unresolved.length > 0) {
      faults.push(...unresolved.map(toFault).toSorted(byFile));
      return [];
    }
    // The files can end the process with exit code 0. The caller must not take that for right policies.
    process.once('exit', endedEarly);
    const { files } = (await import(pathToFileURL(outfile).href)) as {
      readonly files: readonly (readonly [string, () => Promise<Exports>])[];
    };
    const loaded: (readonly [string, Exports])[] = [];
    for (const [name, load] of files) {
      try {
        loaded.push([name, await load()]);
      } catch (error) {
        faults.push({ file: join(folder, name), message: `cannot be loaded: ${describeThrown(error)}` });
      }
    }
    return loaded;
  } catch (error) {
    const { errors } = error as BundleError;
    if (errors === undefined) throw error;
    faults.push(...errors.map(toFault).toSorted(byFile));
    return [];
  } finally {
    process.off('exit', endedEarly);
    await rm(target, { recursive: true, force: true });
  }
}

function toFault({ message, loc, id = '' }: RolldownLog): PolicyFileFault {
  const file = loc === undefined ? id : `${loc.file}:${loc.line}:${loc.column + 1}`;
  // The first line is the error. The next lines show an extract of the source code.
  return { file, message: message.split('\n', 1)[0] ?? '' };
}

function byFile(a: PolicyFileFault, b: PolicyFileFault): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0;
}
