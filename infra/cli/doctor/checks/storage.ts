import * as z from 'zod/mini';
import { az } from '../az.ts';
import { AzureRefusal } from '../azure.ts';
import type { Check } from '../check.ts';
import { fault, faultsOr } from '../finding.ts';

const accountSchema = z.looseObject({
  properties: z.looseObject({
    publicNetworkAccess: z.optional(z.nullable(z.string())),
    networkAcls: z.optional(z.nullable(z.looseObject({ defaultAction: z.optional(z.string()) }))),
    primaryEndpoints: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
    statusOfPrimary: z.optional(z.nullable(z.string())),
  }),
});

export const storageCheck: Check = {
  id: 'storage',
  title: 'The storage account',
  async run({ deployment }) {
    const { storageAccount: name, resourceGroup } = deployment.names;
    const account = await deployment.azure
      .read(deployment.ids.storageAccount, '2025-01-01', accountSchema)
      .catch((error: unknown) => {
        if (error instanceof AzureRefusal && error.isMissing) return undefined;
        throw error;
      });
    if (account === undefined) {
      return [fault(`There is no storage account ${name} in the resource group ${resourceGroup}.`, 'azd provision')];
    }
    const { publicNetworkAccess, networkAcls, statusOfPrimary } = account.properties;
    const isClosed = publicNetworkAccess === 'Disabled' || networkAcls?.defaultAction === 'Deny';
    const [settings, site] = await Promise.all([
      deployment.settings().catch(() => undefined),
      isClosed ? deployment.site().catch(() => undefined) : undefined,
    ]);
    const uris = Object.entries(settings ?? {}).filter(([setting]) =>
      /^AzureWebJobsStorage__\w+ServiceUri$/.test(setting),
    );
    const foreign = uris.filter(([, uri]) => !uri.toLowerCase().startsWith(`https://${name.toLowerCase()}.`));
    return faultsOr(`${name} exists, and the app uses it.`, [
      statusOfPrimary === 'unavailable'
        ? fault(
            'Azure calls the storage account unavailable in its region. Wait, or look at the health of the service.',
          )
        : undefined,
      site !== undefined && !site.properties.virtualNetworkSubnetId
        ? fault(
            'The storage account refuses public access, and the app is in no virtual network, so the app cannot reach it.',
            az('storage account update', {
              name,
              resourceGroup,
              publicNetworkAccess: 'Enabled',
              defaultAction: 'Allow',
            }),
          )
        : undefined,
      ...foreign.map(([setting]) =>
        fault(
          `${setting} names another storage account than ${name}, which has the roles and the history.`,
          'azd provision',
        ),
      ),
    ]);
  },
};
