import { az } from '../az.ts';
import { AzureRefusal } from '../azure.ts';
import type { Check } from '../check.ts';
import { fault, faultsOr } from '../finding.ts';

export const hubCheck: Check = {
  id: 'hub',
  title: 'The IoT hub',
  async run({ deployment }) {
    const { hub: name, hubResourceGroup: resourceGroup } = deployment.names;
    const hub = await deployment.hub().catch((error: unknown) => {
      if (error instanceof AzureRefusal && error.isMissing) return undefined;
      throw error;
    });
    if (hub === undefined) {
      return [
        fault(
          `There is no IoT hub ${name} in the resource group ${resourceGroup}. Give another --hub and --hub-resource-group.`,
          az('iot hub list', { query: '[].[name, resourcegroup]', output: 'table' }),
        ),
      ];
    }
    const { sku, identity, properties } = hub;
    const isClosed = properties.publicNetworkAccess === 'Disabled';
    const site = isClosed ? await deployment.site().catch(() => undefined) : undefined;
    return faultsOr(`${properties.hostName} is active, ${sku.name} with ${sku.capacity ?? 1} units.`, [
      /^B\d$/.test(sku.name)
        ? fault(
            `The hub has the basic tier ${sku.name}. Hubs of the basic tiers have no twins.`,
            az('iot hub update', { name, resourceGroup, sku: sku.name.replace('B', 'S') }),
          )
        : undefined,
      properties.state !== undefined && properties.state !== 'Active'
        ? fault(
            `The hub is ${properties.state}. Wait until it is Active.`,
            az('iot hub show', { name, resourceGroup, query: 'properties.state' }),
          )
        : undefined,
      /SystemAssigned/i.test(identity?.type ?? '')
        ? undefined
        : fault(
            'The hub has no system-assigned identity, so it cannot send its events to the event hub.',
            az('iot hub identity assign', { name, resourceGroup, systemAssigned: [] }),
            'azd provision',
          ),
      site !== undefined && !site.properties.virtualNetworkSubnetId
        ? fault(
            'The hub refuses public access, and the app is in no virtual network, so the app cannot reach the hub.',
            'azd env set TWINKEEPER_PRIVATE_NETWORK true',
            'azd provision',
          )
        : undefined,
    ]);
  },
};
