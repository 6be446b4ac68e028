/** Loads the policies of a folder, which need not be deployed. The files are bundled first, so TypeScript works too. */
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

/** A policy and its file. */
interface LoadedPolicy {
  readonly file: string;
  readonly definition: PolicyDefinition;
}

/** The exports of a policy file. */
interface Exports {
  readonly default?: unknown;
  readonly policies?: unknown;
}

/** Whether a file can hold policies. Type declarations, tests and JSON schemas cannot. */
const isPolicyFile = (name: string): boolean =>
  /\.(ts|js|mjs|json)$/.test(name) && !/\.(d|test|spec)\.[^.]+$|\.schema\.json$/.test(name);

/**
 * Loads the policies of a folder: the default export of each `.ts`, `.js` and `.mjs` file, each `.json` file, and the exported lists named
 * `policies`, as in an `index.ts`. A policy that is exported twice counts once. Subfolders are not read, so policies can share code there.
 *
 * @throws One message with every fault and its file: a file that cannot be loaded, a file without a policy, a policy with errors.
 */
export async function loadPolicies(folder: string): Promise<PolicySet> {
  const names = (await filesIn(folder)).filter(isPolicyFile);
  if (names.length === 0) throw new Error(`${folder} has no policies: it has no .ts, .js, .mjs or .json file.`);
  const faults: string[] = [];
  const policies: LoadedPolicy[] = [];
  // An index is loaded last, so that a fault is reported for the policy's own file.
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
      // Each import of a JSON file gives a new object, so an index repeats its policies as equal objects.
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

/** Validates all policies together, and adds each fault with the name of its file. */
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

/** The policies that a file exports; `undefined` when it exports no policy and no list of policies. */
function definitionsIn({ default: single, policies: list }: Exports): readonly unknown[] | undefined {
  if (single === undefined && !Array.isArray(list)) return undefined;
  return [single, ...(Array.isArray(list) ? list : [])].flat().filter((definition) => definition !== undefined);
}

/**
 * Loads the files from one bundle, so that a module that several files import is loaded once. Without a bundle, old versions of Node would
 * not load TypeScript, and imports of packages would fail in folders without `node_modules`.
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
        // Rolldown would leave the import of a missing package to Node, which then loads none of the files.
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
  // The lines after the first are a drawing of the code.
  return `${at}: ${message.split('\n', 1)[0]}`;
}
