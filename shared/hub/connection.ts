import type { Agent } from 'node:https';
import type { Registry } from 'azure-iothub';

/** Which hub, and how to get in: a connection string with a key, or a host name and the app's own identity. */
export type HubAddress = { readonly connectionString: string } | { readonly hostName: string };

export interface ConnectionOptions {
  /** Milliseconds without a byte from the hub after which a connection is given up. */
  readonly idleTimeout: number;
  /** Certificate authorities to trust beside Node's own (which `NODE_EXTRA_CA_CERTS` extends), in PEM. */
  readonly ca?: string;
}

/** `host:port` of a hub; the port is 443 unless the address names one. */
export function hostOf(address: HubAddress): { readonly host: string; readonly port: number } {
  const name =
    'hostName' in address
      ? address.hostName
      : (/(?:^|;)\s*HostName=([^;]+)/i.exec(address.connectionString)?.[1] ?? '');
  const [host = '', port] = name.trim().split(':');
  return { host, port: port === undefined ? 443 : Number(port) };
}

/**
 * A registry client for the hub. `azure-iothub` is loaded here and nowhere else, on the first call that needs it: it is heavy.
 *
 * The SDK itself knows a host name only, no port, no time-out and no certificate authority of our own; all three are an
 * `https.Agent`'s business, so it is given one.
 */
export async function openRegistry(address: HubAddress, options: ConnectionOptions): Promise<Registry> {
  // CommonJS, and Node does not recognise the names that it exports: they are to be had from the default export only.
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
  // The SDK takes an agent for its other clients, but for the registry it has no public way.
  const { _restApiClient: client } = registry as unknown as {
    _restApiClient?: { setOptions?(options: { http: { agent: Agent } }): void };
  };
  if (client?.setOptions === undefined) {
    throw new Error('This version of azure-iothub cannot be given an HTTPS agent; use 1.16.');
  }
  client.setOptions({ http: { agent } });
  return registry;
}
