/** Policies that are not deployed: those of a folder, bundled and loaded as they are now. */
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

/** One policy, and the file that it is in. */
interface LoadedPolicy {
  readonly file: string;
  readonly definition: PolicyDefinition;
}

/** What a file exports. */
interface Exports {
  readonly default?: unknown;
  readonly policies?: unknown;
}

/** The rest of a folder is no policy: types, tests, and the schema that editors check JSON policies with. */
const isPolicyFile = (name: string): boolean =>
  /\.(ts|js|mjs|json)$/.test(name) && !/\.(d|test|spec)\.[^.]+$|\.schema\.json$/.test(name);

/**
 * The policies of a folder: the default export of every `.ts`, `.js` and `.mjs` file and every `.json` file in it, and those in an exported
 * list `policies`, as an `index.ts` has it. One that is exported twice counts once. Folders below it are for what policies share.
 *
 * @throws one message with all that is wrong, each fault with its file: what cannot be loaded, exports no policy, or is a wrong one.
 */
export async function loadPolicies(folder: string): Promise<PolicySet> {
  const names = (await filesIn(folder)).filter(isPolicyFile);
  if (names.length === 0) throw new Error(`${folder} holds no policies: no .ts, .js, .mjs or .json file.`);
  const faults: string[] = [];
  const policies: LoadedPolicy[] = [];
  // An index names what stands in files of its own, and those are what a fault is to be looked for in: it comes last.
  const loaded = await loadAll(
    folder,
    names.toSorted((a, b) => Number(isIndex(a)) - Number(isIndex(b)) || (a < b ? -1 : 1)),
    faults,
  );
  for (const [name, exported] of loaded) {
    const file = join(folder, name);
    const definitions = definitionsIn(exported);
    if (definitions === undefined) {
      faults.push(`${file}: exports no policy: give it a default export, or put what is none into a folder below.`);
    }
    for (const definition of definitions ?? []) {
      // A JSON file is another object for each that imports it.
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
    if (code === 'ENOTDIR') throw new Error(`${folder} is no folder: --policies takes one with the policies in it.`);
    throw new Error(`${folder} cannot be read: ${message}`);
  }
}

/** Validates all together, and adds what is wrong with its file's name. */
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

/** The policies that a file exports; `undefined` where it exports nothing that could be one. */
function definitionsIn({ default: single, policies: list }: Exports): readonly unknown[] | undefined {
  if (single === undefined && !Array.isArray(list)) return undefined;
  return [single, ...(Array.isArray(list) ? list : [])].flat().filter((definition) => definition !== undefined);
}

/**
 * Loads files out of one bundle, so that what several of them import is the same in all. Node itself takes TypeScript only in some versions,
 * and no bare imports from folders that have none of the packages.
 */
async function loadAll(
  folder: string,
  names: readonly string[],
  faults: string[],
): Promise<readonly (readonly [string, Exports])[]> {
  const [{ rolldown }, target] = await Promise.all([
    import('rolldown'),
    mkdtemp(join(tmpdir(), 'twinkeeper-policies-')),
  ]);
  const unresolved: RolldownLog[] = [];
  const entry = join(target, 'entry.mjs');
  const outfile = join(target, 'policies.mjs');
  const imports = names.map(
    (name) => `[${JSON.stringify(name)}, () => import(${JSON.stringify(join(resolve(folder), name))})]`,
  );
  try {
    await writeFile(entry, `export const files = [${imports.join(', ')}];`);
    await using bundle = await rolldown({
      input: entry,
      platform: 'node',
      transform: { target: 'node20' },
      onLog(_level, log) {
        // Rolldown would leave the import of a missing package to Node, which then loads none of the files.
        if (log.code === 'UNRESOLVED_IMPORT') unresolved.push(log);
      },
    });
    await bundle.write({ file: outfile, format: 'esm', codeSplitting: false, sourcemap: 'inline' });
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
