/** Loads the policies of a folder. They need not be deployed. All files are first bundled as JavaScript, so the files can be TypeScript. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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
 * @throws An Error whose message lists every fault with its file. Faults are: a file cannot be loaded, a file exports no policy, a policy
 * has errors.
 */
export async function loadPolicies(folder: string): Promise<PolicySet> {
  const names = (await filesIn(folder)).filter(isPolicyFile);
  if (names.length === 0) throw new Error(`${folder} has no policies: it has no .ts, .js, .mjs or .json file.`);
  const faults: string[] = [];
  const policies: LoadedPolicy[] = [];
  // Index files are loaded last. A fault of a policy is then reported for the policy's own file, and not for the index file.
  const loaded = await loadAll(
    folder,
    names.toSorted((a, b) => Number(isIndex(a)) - Number(isIndex(b)) || (a < b ? -1 : 1)),
    faults,
  );
  for (const [name, exported] of loaded) {
    const file = join(folder, name);
    const definitions = definitionsIn(exported);
    if (definitions === undefined) {
      faults.push(`${file}: exports no policy. Add a default export, or move the file to a subfolder.`);
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
  const set = check(policies, faults);
  if (set !== undefined && faults.length === 0) return set;
  throw new Error(
    `${faults.length === 1 ? 'One fault' : `${faults.length} faults`} in the policies of ${folder}:\n` +
      faults.map((fault) => `  ${fault}`).join('\n'),
  );
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
function check(policies: readonly LoadedPolicy[], faults: string[]): PolicySet | undefined {
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
      const where = files.map(({ file }) => file).join(' and ') || 'unknown file';
      faults.push(`${where}: ${policy}${path === '' ? '' : ` at ${path}`}: ${message}`);
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
  faults: string[],
): Promise<readonly (readonly [string, Exports])[]> {
  const [{ build }, target] = await Promise.all([import('rolldown'), mkdtemp(join(tmpdir(), 'twinkeeper-policies-'))]);
  const unresolved: RolldownLog[] = [];
  const entry = join(target, 'entry.mjs');
  const outfile = join(target, 'policies.mjs');
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
      faults.push(...unresolved.map(toFault).toSorted());
      return [];
    }
    const { files } = (await import(pathToFileURL(outfile).href)) as {
      readonly files: readonly (readonly [string, () => Promise<Exports>])[];
    };
    const loaded: (readonly [string, Exports])[] = [];
    for (const [name, load] of files) {
      try {
        loaded.push([name, await load()]);
      } catch (error) {
        faults.push(`${join(folder, name)}: cannot be loaded: ${describeThrown(error)}`);
      }
    }
    return loaded;
  } catch (error) {
    const { errors } = error as BundleError;
    if (errors === undefined) throw error;
    faults.push(...errors.map(toFault).toSorted());
    return [];
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

function toFault({ message, loc, id = '' }: RolldownLog): string {
  const at = loc === undefined ? id : `${loc.file}:${loc.line}:${loc.column + 1}`;
  // The first line is the error. The next lines show an extract of the source code.
  return `${at}: ${message.split('\n', 1)[0]}`;
}
