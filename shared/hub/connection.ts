import type { Agent } from 'node:https';
import type { Registry } from 'azure-iothub';

/** A hub and its credentials: a connection string with a key, or the host name for the managed identity of the app. */
export type HubAddress = { readonly connectionString: string } | { readonly hostName: string };

export interface ConnectionOptions {
  /** Milliseconds without a byte from the hub after which a connection is closed. */
  readonly idleTimeout: number;
  /** Certificate authorities to trust, in PEM. Default: Node's own, which `NODE_EXTRA_CA_CERTS` extends. */
  readonly ca?: string;
}

/** The host name and port of a hub. Default port: 443. */
export function hostOf(address: HubAddress): { readonly host: string; readonly port: number } {
  const name =
    'hostName' in address
      ? address.hostName
      : (/(?:^|;)\s*HostName=([^;]+)/i.exec(address.connectionString)?.[1] ?? '');
  const [host = '', port] = name.trim().split(':');
  return { host, port: port === undefined ? 443 : Number(port) };
}

/**
 * Opens a registry client for the hub. Only this function loads `azure-iothub`, and only when it is called, because the package is
 * large.
 *
 * The SDK has no options for a port, a time-out or a certificate authority. An `https.Agent` has them, so the client gets an agent.
 */
export async function openRegistry(address: HubAddress, options: ConnectionOptions): Promise<Registry> {
  // `azure-iothub` is CommonJS, and Node finds no named exports in it. The default export has them.
  const {
    default: { Registry: Client },
  } = await import('azure-iothub');
  const { host, port } = hostOf(address);
  const registry =
    'connectionString' in address
      ? Client.fromConnectionString(address.connectionString.replace(/HostName=[^;]+/i, `HostName=${host}`))
      : Client.fromTokenCredential(host, new (await import('@azure/identity')).DefaultAzureCredential());
  const { TimedAgent } = await import('./timed-agent.ts');
  const agent = new TimedAgent({
    port,
    keepAlive: true,
    maxSockets: 32,
    timeout: options.idleTimeout,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  // The SDK's registry client has no public option for an agent, unlike its other clients.
  const { _restApiClient: client } = registry as unknown as {
    _restApiClient?: { setOptions?(options: { http: { agent: Agent } }): void };
  };
  if (client?.setOptions === undefined) {
    throw new Error('This version of azure-iothub accepts no HTTPS agent. Use version 1.16.');
  }
  client.setOptions({ http: { agent } });
  return registry;
}
