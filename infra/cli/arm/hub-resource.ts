import type { IotHubClientOptionalParams, IotHubDescription } from '@azure/arm-iothub';
import type { TokenCredential } from '@azure/identity';
import { lostFields } from './lost-fields.ts';

/** A hub as a resource of Azure Resource Manager. */
export interface HubResource {
  readonly name: string;
  read(): Promise<IotHubDescription>;
  /**
   * Compares the hub as it was last read with what a write would send.
   * @returns the paths of the settings that the write would lose, because this version of the API does not know them
   */
  losses(hub: IotHubDescription): Promise<readonly string[]>;
  /** Writes the hub with its ETag, and resolves when the hub has taken the change. */
  write(hub: IotHubDescription): Promise<void>;
}

export interface HubResourceOptions {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
  readonly credential: TokenCredential;
  /** The address of Azure Resource Manager. Absent: that of the public cloud. */
  readonly resourceManager?: string;
  /** Milliseconds between two questions whether a write is done. */
  readonly pollInterval?: number;
}

/** Opens a hub in Azure Resource Manager. Sends nothing yet. */
export async function openHub(options: HubResourceOptions): Promise<HubResource> {
  const { subscriptionId, resourceGroup, name, credential, resourceManager, pollInterval = 5_000 } = options;
  const { IotHubClient } = await import('@azure/arm-iothub');
  const cloud: IotHubClientOptionalParams =
    resourceManager === undefined
      ? {}
      : { endpoint: resourceManager, credentialScopes: [`${new URL(resourceManager).origin}/.default`] };
  const client = new IotHubClient(credential, subscriptionId, cloud);
  let lastRead: unknown;
  return {
    name,
    read: () =>
      client.iotHubResource.get(resourceGroup, name, {
        onResponse({ bodyAsText }) {
          lastRead = JSON.parse(bodyAsText || 'null');
        },
      }),
    async losses(hub) {
      let sent: unknown;
      // The SDK keeps unknown fields when it reads, and drops them when it writes. This client stops before it sends.
      const silent = new IotHubClient(credential, subscriptionId, {
        ...cloud,
        retryOptions: { maxRetries: 0 },
        httpClient: {
          async sendRequest({ body }) {
            sent = JSON.parse(String(body));
            throw new NotSent();
          },
        },
      });
      await silent.iotHubResource.beginCreateOrUpdate(resourceGroup, name, hub).catch((error: unknown) => {
        if (sent === undefined) throw error;
      });
      return lostFields(lastRead, sent);
    },
    async write(hub) {
      const { etag } = hub;
      if (etag === undefined) throw new Error(`Azure returned the hub ${name} without an ETag, so it is not written.`);
      await client.iotHubResource.beginCreateOrUpdateAndWait(resourceGroup, name, hub, {
        ifMatch: etag,
        updateIntervalInMs: pollInterval,
      });
    },
  };
}

/** Ends a request that must not be sent. */
class NotSent extends Error {
  override readonly name = 'NotSent';
}
