/**
 * Checks the two files of parameters. azd reads `main.parameters.json`, and asks for what its environment lacks. `environment.bicepparam` is
 * for deployments without azd.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type AzdEnvironment, exampleEnvironment } from '../../../infra/build/azure-template.ts';
import { allOptions, azureFolder, bicep, isWithoutBicep } from './bicep.ts';

type Parameters = Readonly<Record<string, { readonly value: unknown }>>;
interface Declared {
  readonly type: string;
  readonly defaultValue?: unknown;
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(azureFolder, name), 'utf8')) as T;
}

const { parameters: declared } = await readJson<{ readonly parameters: Readonly<Record<string, Declared>> }>(
  'main.json',
);
const { parameters: ofAzd } = await readJson<{ readonly parameters: Parameters }>('main.parameters.json');

/** The values of `environment.bicepparam` in an environment. */
async function withoutAzd(environment: AzdEnvironment): Promise<Readonly<Record<string, unknown>>> {
  const { PATH, HOME } = process.env;
  const file = join(azureFolder, 'environment.bicepparam');
  const { stdout } = await promisify(execFile)(bicep(), ['build-params', file, '--stdout'], {
    env: { PATH, HOME, ...environment },
    maxBuffer: 2 ** 26,
  });
  const { parametersJson } = JSON.parse(stdout) as { readonly parametersJson: string };
  const { parameters } = JSON.parse(parametersJson) as { readonly parameters: Parameters };
  return Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
}

/** The values that azd passes: the texts of the environment, read as the parameter's type. azd leaves out what is not set. */
function withAzd(environment: AzdEnvironment): Readonly<Record<string, unknown>> {
  const given = Object.entries(ofAzd).map(([name, { value }]) => {
    const [, variable = ''] = /^\$\{(\w+)\}$/.exec(String(value)) ?? [];
    const text = environment[variable];
    if (text === undefined) return [name, declared[name]?.defaultValue];
    return [name, declared[name]?.type.endsWith('tring') ? text : JSON.parse(text)];
  });
  return Object.fromEntries(given);
}

describe('the parameters that azd reads', () => {
  it('are all parameters of the template, each from one variable', () => {
    expect(Object.keys(ofAzd).toSorted()).toEqual(Object.keys(declared).toSorted());
    for (const { value } of Object.values(ofAzd)) expect(value).toMatch(/^\$\{[A-Z_]+\}$/);
  });

  // azd prefers main.bicepparam, and then asks for no parameter: a deployment without IOTHUB_NAME would fail in Azure.
  it('have no main.bicepparam beside them', () => {
    expect(existsSync(join(azureFolder, 'main.bicepparam'))).toBe(false);
  });
});

describe.skipIf(isWithoutBicep)('the parameters without azd', () => {
  it.each([
    ['no option', exampleEnvironment],
    ['all options', { ...exampleEnvironment, ...allOptions }],
  ])('are those that azd passes, with %s', async (_, environment) => {
    expect(await withoutAzd(environment)).toEqual(withAzd(environment));
  });

  it('are refused without the required variables, by name', async () => {
    const message = await withoutAzd({}).then(String, String);
    for (const variable of Object.keys(exampleEnvironment)) expect(message).toContain(variable);
  });
});
