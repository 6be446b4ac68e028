import * as z from 'zod/mini';
import type { Azure } from './azure.ts';

/** The names of the parts of a deployment. */
export interface DeploymentNames {
  readonly subscription: string;
  readonly hub: string;
  readonly hubResourceGroup: string;
  readonly resourceGroup: string;
  readonly functionApp: string;
  readonly storageAccount: string;
  /** The host name of the event hub namespace. */
  readonly eventHubHost: string;
  readonly eventHub: string;
  readonly consumerGroup: string;
}

const hubSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  sku: z.looseObject({ name: z.string(), capacity: z.optional(z.number()) }),
  identity: z.optional(
    z.nullable(z.looseObject({ type: z.optional(z.string()), principalId: z.optional(z.string()) })),
  ),
  properties: z.looseObject({
    state: z.optional(z.string()),
    hostName: z.optional(z.string()),
    publicNetworkAccess: z.optional(z.nullable(z.string())),
    routing: z.optional(z.unknown()),
  }),
});

const siteSchema = z.looseObject({
  identity: z.optional(
    z.nullable(
      z.looseObject({
        userAssignedIdentities: z.optional(
          z.nullable(z.record(z.string(), z.looseObject({ clientId: z.string(), principalId: z.string() }))),
        ),
      }),
    ),
  ),
  properties: z.looseObject({
    state: z.optional(z.string()),
    virtualNetworkSubnetId: z.optional(z.nullable(z.string())),
    functionAppConfig: z.optional(
      z.nullable(
        z.looseObject({
          runtime: z.optional(
            z.nullable(z.looseObject({ name: z.string(), version: z.optional(z.nullable(z.string())) })),
          ),
        }),
      ),
    ),
  }),
});

const settingsSchema = z.looseObject({ properties: z.record(z.string(), z.nullable(z.string())) });

export type HubResource = z.output<typeof hubSchema>;
export type Site = z.output<typeof siteSchema>;

/** The identity with which the app calls the hub, storage and the event hub. */
export interface AppIdentity {
  readonly clientId: string;
  readonly principalId: string;
}

/** A deployment in Azure: the ids of its resources, and what Azure says about them. */
export interface Deployment {
  readonly names: DeploymentNames;
  readonly ids: Readonly<Record<'hub' | 'functionApp' | 'storageAccount' | 'namespace' | 'eventHub' | 'group', string>>;
  readonly azure: Azure;
  hub(): Promise<HubResource>;
  site(): Promise<Site>;
  /** The app settings by name. */
  settings(): Promise<Readonly<Record<string, string>>>;
  /** The identity of the app. `undefined` when the app has none. */
  identity(): Promise<AppIdentity | undefined>;
}

export const hubApiVersion = '2023-06-30';
const siteApiVersion = '2024-11-01';

/** Finds the resources of a deployment by their names. Reads nothing yet. */
export function openDeployment(names: DeploymentNames, azure: Azure): Deployment {
  const group = `/subscriptions/${names.subscription}/resourceGroups/${names.resourceGroup}`;
  const namespace = `${group}/providers/Microsoft.EventHub/namespaces/${names.eventHubHost.split('.', 1)[0]}`;
  const ids = {
    group,
    hub: `/subscriptions/${names.subscription}/resourceGroups/${names.hubResourceGroup}/providers/Microsoft.Devices/IotHubs/${names.hub}`,
    functionApp: `${group}/providers/Microsoft.Web/sites/${names.functionApp}`,
    storageAccount: `${group}/providers/Microsoft.Storage/storageAccounts/${names.storageAccount}`,
    namespace,
    eventHub: `${namespace}/eventhubs/${names.eventHub}`,
  };
  const site = () => azure.read(ids.functionApp, siteApiVersion, siteSchema);
  const settings = async () => {
    const { properties } = await azure.ask(
      `${ids.functionApp}/config/appsettings/list`,
      siteApiVersion,
      settingsSchema,
    );
    return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, value ?? '']));
  };
  return {
    names,
    ids,
    azure,
    site,
    settings,
    hub: () => azure.read(ids.hub, hubApiVersion, hubSchema),
    async identity() {
      const [{ identity }, chosen] = await Promise.all([site(), settings().catch(() => undefined)]);
      const all = Object.values(identity?.userAssignedIdentities ?? {});
      // The app uses the identity that its settings choose. Without settings, the only one.
      const clientId = chosen?.AZURE_CLIENT_ID?.toLowerCase();
      return all.find((each) => each.clientId.toLowerCase() === clientId) ?? all[0];
    },
  };
}
