/** Checks what `azd` would package and deploy, according to azure.yaml. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { routes } from '../../../functions/api/routes.ts';
import { unreachable } from '../../../infra/bench/loaded-app.ts';
import { bundleScript } from '../../../infra/build/command.ts';
import { neededFunctions } from '../../../infra/cli/doctor/checks/function-app.ts';
import { projectRoot } from '../../../infra/local/project.ts';
import { node22 } from '../../support/node-22.ts';

interface AzureYaml {
  readonly infra: { readonly provider: string; readonly path: string; readonly module: string };
  readonly services: Readonly<
    Record<
      string,
      {
        readonly project: string;
        readonly language: string;
        readonly host: string;
        readonly dist: string;
        readonly remoteBuild: boolean;
      }
    >
  >;
  readonly hooks: Readonly<Record<string, { readonly kind: string; readonly run: string }>>;
}

const root = projectRoot();
const azureYaml = parse(await readFile(join(root, 'azure.yaml'), 'utf8')) as AzureYaml;
const { twinkeeper } = azureYaml.services;

describe('azure.yaml', () => {
  it('deploys the built folder as it is', () => {
    expect(Object.keys(azureYaml.services)).toEqual(['twinkeeper']);
    expect(twinkeeper).toEqual({
      project: '.',
      language: 'ts',
      host: 'function',
      dist: 'dist/function-app',
      remoteBuild: false,
    });
    // With `remoteBuild: false`, azd refuses a .funcignore that leaves out `node_modules`.
    expect(existsSync(join(root, '.funcignore'))).toBe(false);
  });

  it('names the Bicep file, its parameters and the hooks that are there', () => {
    const { provider, path, module } = azureYaml.infra;
    expect(provider).toBe('bicep');
    for (const ending of ['bicep', 'parameters.json']) {
      expect(existsSync(join(root, path, `${module}.${ending}`)), ending).toBe(true);
    }
    expect(Object.keys(azureYaml.hooks)).toEqual(['postprovision', 'predown']);
    for (const { kind, run } of Object.values(azureYaml.hooks)) {
      expect([kind, existsSync(join(root, run))]).toEqual(['js', true]);
    }
  });
});

describe('the package', () => {
  let folder: string;
  let runner: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeeper-package-'));
    await cp(join(root, twinkeeper?.dist ?? ''), join(folder, 'app'), { recursive: true });
    runner = join(folder, 'list-functions.mjs');
    await bundleScript(join(import.meta.dirname, 'fixtures/list-functions.ts'), runner);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has no node_modules, and no file of a developer', async () => {
    const files = await readdir(join(folder, 'app'), { recursive: true });
    expect(files.filter((file) => /node_modules|local\.settings|\.ts$|\.env/.test(file))).toEqual([]);
  });

  it.each([
    ['22', node22],
    ['24', async () => process.execPath],
  ])('loads under Node %s, and registers all functions', async (version, node) => {
    const program = await node();
    const options = { cwd: folder, env: { PATH: process.env.PATH, ...unreachable } };
    const main = join(folder, 'app/main.cjs');
    const { stdout } = await promisify(execFile)(program, [runner, main], options);
    const { stdout: ran } = await promisify(execFile)(program, ['--version']);
    expect(ran).toMatch(new RegExp(`^v${version}\\.`));
    const timersAndQueues = [
      'deferred',
      'deferred-poison',
      'retention',
      'roll-up',
      'seal',
      'sweep',
      'sweep-work',
      'sweep-work-poison',
      'twin-events',
    ];
    // The doctor says so when the deployed app lacks one of these.
    expect(timersAndQueues).toEqual(expect.arrayContaining([...neededFunctions]));
    expect(JSON.parse(stdout)).toEqual(
      [...new Set([...Object.keys(routes), 'health', 'dashboard', ...timersAndQueues])].sort(),
    );
  });
});
