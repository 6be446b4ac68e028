/** The doctor expects what the deployment makes: both are compared here, so that they cannot drift apart. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCommand } from '../../../../infra/cli/commands/connect.ts';
import { doctorCommand } from '../../../../infra/cli/commands/doctor.ts';
import { jobsRoleName, roles } from '../../../../infra/cli/doctor/roles.ts';
import { projectRoot } from '../../../../infra/local/project.ts';
import { type Stage, startStage } from './plant.ts';

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly properties: {
    readonly roleDefinitionId: string;
    readonly roleName: string;
    readonly siteConfig: { readonly appSettings: readonly { readonly name: string; readonly value: string }[] };
  };
}

const read = async (file: string) => JSON.parse(await readFile(join(projectRoot(), 'infra/azure', file), 'utf8'));

let resources: readonly Resource[];
let stage: Stage;
beforeAll(async () => {
  [resources, stage] = await Promise.all([
    read('main.snapshot.json').then(({ predictedResources }) => predictedResources as readonly Resource[]),
    startStage(),
  ]);
});
afterAll(() => stage.close());

describe('the doctor and the deployment', () => {
  it('know the same roles', () => {
    const assigned = resources
      .filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments')
      .map(({ properties }) => properties.roleDefinitionId.split('/').at(-1));
    const custom = resources.filter(({ type }) => type === 'Microsoft.Authorization/roleDefinitions');
    expect(custom.map(({ properties }) => properties.roleName)).toEqual([jobsRoleName('example-hub')]);
    const known = [...Object.values(roles).map(({ id }) => id), ...custom.map(({ name }) => name)];
    expect(new Set(assigned)).toEqual(new Set(known));
  });

  it('know the same settings', async () => {
    const site = resources.find(({ type }) => type === 'Microsoft.Web/sites');
    const deployed = new Set(site?.properties.siteConfig.appSettings.map(({ name }) => name));
    // Without any setting, the doctor names all settings that it expects.
    for (const name of Object.keys(stage.plant.settings)) delete stage.plant.settings[name];
    const named = (await stage.check('settings')).flatMap(
      ({ what }) => /^(\S+) is missing\. It must/.exec(what)?.[1] ?? [],
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !deployed.has(name))).toEqual([]);
  });

  it('name the variables of azd alike', async () => {
    const { outputs } = (await read('main.json')) as { outputs: object };
    const help = [doctorCommand(), connectCommand()].map((command) => command.helpInformation()).join('\n');
    const variables = new Set(help.replaceAll(/\s+/g, ' ').match(/(?<=Without this option: )[A-Z][A-Z0-9_]+/g));
    expect(variables.size).toBeGreaterThan(8);
    // azd sets the first itself. People set the others.
    const others = ['AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_MANAGER', 'FUNCTION_APP_KEY'];
    expect([...variables].filter((name) => !(name in outputs) && !others.includes(name))).toEqual([]);
  });
});
