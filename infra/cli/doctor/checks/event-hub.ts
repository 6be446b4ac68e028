import * as z from 'zod/mini';
import { az } from '../az.ts';
import { AzureRefusal } from '../azure.ts';
import type { Check } from '../check.ts';
import { fault, faultsOr } from '../finding.ts';

const eventHubSchema = z.looseObject({ properties: z.looseObject({ status: z.optional(z.string()) }) });
const anySchema = z.looseObject({});
const rulesSchema = z.looseObject({
  properties: z.looseObject({
    publicNetworkAccess: z.optional(z.nullable(z.string())),
    defaultAction: z.optional(z.nullable(z.string())),
    trustedServiceAccessEnabled: z.optional(z.nullable(z.boolean())),
  }),
});

const apiVersion = '2024-01-01';

export const eventHubCheck: Check = {
  id: 'event-hub',
  title: 'The event hub',
  async run({ deployment }) {
    const { azure, ids, names } = deployment;
    const { eventHub, consumerGroup, resourceGroup } = names;
    const namespaceName = ids.namespace.split('/').at(-1) ?? '';
    const read = <T>(path: string, schema: z.ZodMiniType<T>) =>
      azure.read(path, apiVersion, schema).catch((error: unknown) => {
        if (error instanceof AzureRefusal && error.isMissing) return undefined;
        throw error;
      });
    const [namespace, hub, consumers, rules] = await Promise.all([
      read(ids.namespace, anySchema),
      read(ids.eventHub, eventHubSchema),
      read(`${ids.eventHub}/consumergroups/${consumerGroup}`, anySchema),
      read(`${ids.namespace}/networkRuleSets/default`, rulesSchema),
    ]);
    if (namespace === undefined) {
      return [
        fault(
          `There is no event hub namespace ${namespaceName} in the resource group ${resourceGroup}.`,
          'azd provision',
        ),
      ];
    }
    if (hub === undefined) {
      const options = {
        name: eventHub,
        namespaceName,
        resourceGroup,
        partitionCount: '8',
        cleanupPolicy: 'Delete',
        retentionTime: '168',
      };
      return [
        fault(
          `There is no event hub ${eventHub} in the namespace ${namespaceName}.`,
          az('eventhubs eventhub create', options),
          'azd provision',
        ),
      ];
    }
    const { publicNetworkAccess, defaultAction, trustedServiceAccessEnabled } = rules?.properties ?? {};
    const opens = az('eventhubs namespace network-rule-set update', {
      namespaceName,
      resourceGroup,
      publicNetworkAccess: 'Enabled',
      enableTrustedServiceAccess: 'true',
    });
    return faultsOr(`${eventHub} in ${namespaceName} is there, with the consumer group ${consumerGroup}.`, [
      hub.properties.status === undefined || hub.properties.status === 'Active'
        ? undefined
        : fault(
            `The event hub is ${hub.properties.status}.`,
            az('eventhubs eventhub update', { name: eventHub, namespaceName, resourceGroup, status: 'Active' }),
          ),
      consumers === undefined
        ? fault(
            `The event hub has no consumer group ${consumerGroup}.`,
            az('eventhubs eventhub consumer-group create', {
              name: consumerGroup,
              eventhubName: eventHub,
              namespaceName,
              resourceGroup,
            }),
          )
        : undefined,
      publicNetworkAccess === 'Disabled'
        ? fault(
            'The namespace refuses all public access. Its exception for trusted services then does not apply, and the IoT hub cannot send.',
            opens,
          )
        : defaultAction === 'Deny' && trustedServiceAccessEnabled !== true
          ? fault(
              'The firewall of the namespace has no exception for trusted services, so the IoT hub cannot send.',
              opens,
            )
          : undefined,
    ]);
  },
};
