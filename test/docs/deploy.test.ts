/** Checks the commands in docs/deploy.md: the variables of azd, the parameters of the template and the outputs exist. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deploymentNames } from './deployment-names.ts';
import { readPage } from './markdown.ts';
import { shellCommands } from './shell-commands.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const page = read('docs/deploy.md');

const { azdVariables, parameters, required, outputs } = deploymentNames(root);
/** Variables that azd sets itself, and variables that the page sets. */
const given = ['AZURE_ENV_NAME', 'AZURE_LOCATION', 'AZURE_SUBSCRIPTION_ID', 'FUNCTION_APP_KEY'];

/** Describes what is wrong with the shell code of a page. */
function faultsOf(code: readonly string[]): readonly string[] {
  const text = code.join('\n');
  const used = [...text.matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name ?? '');
  const unknown = used.filter((name) => ![...outputs, ...given].includes(name)).map((name) => `$${name} is not set`);
  const commands = code.flatMap(shellCommands);
  return [...new Set([...unknown, ...commands.flatMap(faultsOfCommand)])];
}

function faultsOfCommand(words: readonly string[]): readonly string[] {
  const command = words.join(' ');
  if (command.startsWith('azd env set ')) {
    return azdVariables.includes(words[3] ?? '') ? [] : [`azd env set ${words[3]}: the deployment does not read it`];
  }
  if (!command.startsWith('az deployment sub create ')) return [];
  const start = words.indexOf('--parameters');
  const names = (start === -1 ? [] : words.slice(start + 1))
    .filter((word) => word.includes('='))
    .map((word) => word.split('=')[0] ?? '');
  if (names.length === 0) return [];
  return [
    ...names.filter((name) => !parameters.includes(name)).map((name) => `${name} is no parameter of the template`),
    ...required.filter((name) => !names.includes(name)).map((name) => `the parameter ${name} is missing`),
  ];
}

describe('the page about deploying', () => {
  it('sets variables that the deployment reads, gives parameters that it has, and uses outputs that it gives', () => {
    expect(faultsOf(readPage(page).code)).toEqual([]);
  });

  it('names only variables that exist, and every option of the deployment', () => {
    const names = new Set(readPage(page).code.filter((code) => /^(TWINKEEPER|IOTHUB|EVENTHUB)_[A-Z_]+$/.test(code)));
    expect([...names].filter((name) => ![...azdVariables, ...outputs].includes(name))).toEqual([]);
    const options = azdVariables.filter((name) => name.startsWith('TWINKEEPER_'));
    expect(options.filter((name) => !names.has(name))).toEqual([]);
  });

  it('exports the whole history before it is deleted, and not only the last day', () => {
    const exports = readPage(page)
      .code.flatMap(shellCommands)
      .filter((words) => words.includes('drift') && words.includes('--csv'));
    expect(exports).not.toEqual([]);
    expect(exports.filter((words) => !words.includes('--from'))).toEqual([]);
  });

  it('sets the variables of the commands without azd: the outputs, whose case Azure changes, and the subscription', () => {
    const section = page.slice(page.indexOf('## Deploy with az alone'));
    expect(section).toMatch(/^eval "\$\(az deployment sub show .*ascii_upcase/m);
    expect(section).toMatch(/^export AZURE_SUBSCRIPTION_ID=/m);
  });

  it.each([
    ['azd env set TWINKEEPER_MODUS audit', 'azd env set TWINKEEPER_MODUS: the deployment does not read it'],
    ['az x --name "$FUNCTION_NAME"', '$FUNCTION_NAME is not set'],
    [
      'az deployment sub create --parameters environmentName=a location=b hubName=c hubGroup=d',
      'hubGroup is no parameter of the template',
    ],
    [
      'az deployment sub create --parameters environmentName=a location=b hubName=c',
      'the parameter hubResourceGroup is missing',
    ],
  ])('is refused with %s', (code, fault) => {
    expect(faultsOf([code])).toContain(fault);
  });
});
