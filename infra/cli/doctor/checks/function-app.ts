import * as z from 'zod/mini';
import { az } from '../az.ts';
import { AzureRefusal } from '../azure.ts';
import type { Check } from '../check.ts';
import { type Finding, fault, faultsOr } from '../finding.ts';

const functionsSchema = z.looseObject({
  value: z.array(
    z.looseObject({ properties: z.looseObject({ name: z.string(), isDisabled: z.optional(z.nullable(z.boolean())) }) }),
  ),
});

/** The functions without which Twinkeeper does not do its work. */
const neededFunctions = ['twin-events', 'deferred', 'sweep', 'sweep-work', 'roll-up'];

export const functionAppCheck: Check = {
  id: 'function-app',
  title: 'The function app',
  async run({ deployment }) {
    const { functionApp: name, resourceGroup } = deployment.names;
    const site = await deployment.site().catch((error: unknown) => {
      if (error instanceof AzureRefusal && error.isMissing) return undefined;
      throw error;
    });
    if (site === undefined) {
      return [fault(`There is no function app ${name} in the resource group ${resourceGroup}.`, 'azd up')];
    }
    const { value } = await deployment.azure.read(
      `${deployment.ids.functionApp}/functions`,
      '2024-11-01',
      functionsSchema,
    );
    const found = value.map(({ properties }) => properties);
    const state = site.properties.state ?? 'Running';
    return faultsOr(`${name} is running, with ${found.length} functions.`, [
      state === 'Running'
        ? undefined
        : fault(`The function app is ${state}.`, az('functionapp start', { name, resourceGroup })),
      Object.keys(site.identity?.userAssignedIdentities ?? {}).length > 0
        ? undefined
        : fault('The function app has no user-assigned identity, so it has no rights.', 'azd provision'),
      ...functionFaults(found, { name, resourceGroup }),
    ]);
  },
};

type Found = readonly { readonly name: string; readonly isDisabled?: boolean | null | undefined }[];

function functionFaults(
  found: Found,
  app: { readonly name: string; readonly resourceGroup: string },
): readonly Finding[] {
  const missing = neededFunctions.filter((needed) => found.every(({ name }) => name !== needed));
  const disabled = found.filter(({ name, isDisabled }) => isDisabled === true && neededFunctions.includes(name));
  return [
    ...(found.length === 0
      ? [fault('The function app has no functions: no package is deployed, or it cannot be loaded.', 'azd deploy')]
      : missing.length > 0
        ? [
            fault(
              `The function app has no ${missing.join(', ')}: its settings or policies are wrong, or the package is another app. See "settings" and "app-health".`,
              'azd deploy',
            ),
          ]
        : []),
    ...disabled.map(({ name }) =>
      fault(
        `The function ${name} is disabled.`,
        az('functionapp config appsettings delete', { ...app, settingNames: [`AzureWebJobs.${name}.Disabled`] }),
      ),
    ),
  ];
}
