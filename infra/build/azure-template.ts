import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The files that are made from the Bicep files of `infra/azure/` and stand beside them, by name. */
export interface AzureTemplate {
  /** The template for Azure Resource Manager, as JSON text. The button "Deploy to Azure" uses it. */
  readonly 'main.json': string;
  /** The resources of a deployment with example values, as JSON text. `npm start` reads the roles of the app from it. */
  readonly 'main.snapshot.json': string;
  /** A hash of the sources, so that a machine without the compiler sees that the other files are old. */
  readonly 'sources.sha256': string;
}

/** The variables that `environment.bicepparam` and `main.parameters.json` read, by name. They are those of azd's environment. */
export type AzdEnvironment = Readonly<Record<string, string>>;

/** The environment of the committed snapshot. */
export const exampleEnvironment: AzdEnvironment = {
  AZURE_ENV_NAME: 'example',
  AZURE_LOCATION: 'westeurope',
  IOTHUB_NAME: 'example-hub',
  IOTHUB_RESOURCE_GROUP: 'rg-hubs',
};

/**
 * Compiles the Bicep files of a folder.
 * @param compiler the path of the Bicep compiler
 * @param folder the path of `infra/azure`
 */
export async function compileTemplate(compiler: string, folder: string): Promise<AzureTemplate> {
  const [main, snapshot, hash] = await Promise.all([
    run(compiler, ['build', join(folder, 'main.bicep'), '--stdout'], { maxBuffer: 2 ** 26 }),
    evaluateTemplate(compiler, folder, exampleEnvironment),
    hashOfSources(folder),
  ]);
  return { 'main.json': main.stdout, 'main.snapshot.json': snapshot, 'sources.sha256': `${hash}\n` };
}

/**
 * Evaluates the deployment that azd would make in this environment, without Azure. Values that are known only in Azure stay expressions.
 * @returns the text of the snapshot: JSON with `predictedResources` and `diagnostics`
 */
export async function evaluateTemplate(compiler: string, folder: string, environment: AzdEnvironment): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'bicep-'));
  try {
    // The compiler writes the snapshot beside the parameters.
    await cp(folder, copy, { recursive: true });
    const inherited = Object.entries(process.env).filter(([name]) => !/^(AZURE|IOTHUB|TWINKEEPER)_/.test(name));
    const place = ['--tenant-id', id(2), '--subscription-id', id(1), '--location', 'westeurope'];
    await run(
      compiler,
      [
        'snapshot',
        join(copy, 'environment.bicepparam'),
        '--mode',
        'overwrite',
        ...place,
        '--deployment-name',
        'twinkeeper',
      ],
      { env: { ...Object.fromEntries(inherited), ...environment } },
    );
    return inOrder(await readFile(join(copy, 'environment.snapshot.json'), 'utf8'));
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** Sorts the lists of a snapshot, because the compiler writes them in another order each time. */
function inOrder(text: string): string {
  const snapshot = JSON.parse(text) as {
    readonly predictedResources: readonly { readonly id: string }[];
    readonly outputs: Readonly<Record<string, unknown>>;
  };
  const predictedResources = snapshot.predictedResources.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const outputs = Object.fromEntries(Object.entries(snapshot.outputs).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ ...snapshot, predictedResources, outputs }, null, 2)}\n`;
}

/** A hash of all files from which the template is made, and of their names. */
export async function hashOfSources(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    if (!/\.bicep(param)?$|workbook\.json$/.test(name)) continue;
    hash.update(`${name.replaceAll('\\', '/')}\n${await readFile(join(folder, name), 'utf8')}`);
  }
  return hash.digest('hex');
}

/** An invented id of a tenant or a subscription. */
function id(number: number): string {
  return `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;
}
