/** Checks the Bicep files with the compiler: they have no fault, and the committed files are made from them. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compileTemplate, exampleEnvironment, hashOfSources } from '../../../infra/build/azure-template.ts';
import { azureFolder, bicep, isWithoutBicep } from './bicep.ts';

const run = promisify(execFile);
const committed = (name: string) => readFile(join(azureFolder, name), 'utf8');

describe('the committed template', () => {
  it('is newer than its sources: otherwise run "npm run bicep"', async () => {
    expect((await committed('sources.sha256')).trim()).toBe(await hashOfSources(azureFolder));
  });

  it.skipIf(isWithoutBicep)('is what the compiler makes of the sources: otherwise run "npm run bicep"', async () => {
    for (const [name, text] of Object.entries(await compileTemplate(bicep(), azureFolder))) {
      expect(text === (await committed(name)), name).toBe(true);
    }
  });

  it('asks for a name, a region and the hub, and for nothing more', async () => {
    const { parameters } = JSON.parse(await committed('main.json')) as {
      readonly parameters: Readonly<Record<string, { readonly defaultValue?: unknown }>>;
    };
    const required = Object.keys(parameters).filter((name) => parameters[name]?.defaultValue === undefined);
    expect(required).toEqual(['environmentName', 'location', 'hubName', 'hubResourceGroup']);
    expect(Object.keys(exampleEnvironment)).toHaveLength(required.length);
  });
});

describe.skipIf(isWithoutBicep)('the Bicep files', () => {
  // The exit code of the linter is 0 for a misspelt property or a wrong type, so the test reads the list of its findings.
  it('have no finding of the linter', async () => {
    const { stdout } = await run(bicep(), ['lint', join(azureFolder, 'main.bicep'), '--diagnostics-format', 'sarif']);
    const { runs } = JSON.parse(stdout) as { readonly runs: readonly { readonly results: readonly unknown[] }[] };
    expect(runs.flatMap(({ results }) => results)).toEqual([]);
  });

  it('have the form of the formatter', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'bicep-'));
    try {
      await cp(azureFolder, copy, { recursive: true });
      for (const pattern of ['./**/*.bicep', './*.bicepparam']) {
        await run(bicep(), ['format', '--pattern', pattern], { cwd: copy });
      }
      const names = (await readdir(copy, { recursive: true })).filter((name) => /\.bicep(param)?$/.test(name));
      expect(names.length).toBeGreaterThan(5);
      for (const name of names) expect(await readFile(join(copy, name), 'utf8'), name).toBe(await committed(name));
    } finally {
      await rm(copy, { recursive: true });
    }
  });
});
