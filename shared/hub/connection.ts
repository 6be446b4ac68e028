import type { Agent } from 'node:https';
import type { Registry } from 'azure-iothub';
import { credentialOf, type Identity } from '../identity/index.ts';

/** An IoT Hub and how the app signs in: a connection string with a key, or the host name of the hub with an identity. */
export type HubAddress =
  | { readonly connectionString: string }
  | { readonly hostName: string; readonly identity: Identity };

export interface ConnectionOptions {
  /** The connection is closed after this many milliseconds without a byte from the hub. */
  readonly idleTimeout: number;
  /**
   * A certificate authority to trust, in PEM format, in addition to those of Node.js and those in the file that `NODE_EXTRA_CA_CERTS` names.
   */
  readonly ca?: string;
}

/** The host name and the port of a hub. The port is 443 when the address has none. */
export function hostOf(address: HubAddress): { readonly host: string; readonly port: number } {
  const name =
    'hostName' in address
      ? address.hostName
      : (/(?:^|;)\s*HostName=([^;]+)/i.exec(address.connectionString)?.[1] ?? '');
  const [host = '', port] = name.trim().split(':');
  return { host, port: port === undefined ? 443 : Number(port) };
}

/**
 * Opens a registry client for the hub. Only this function loads `azure-iothub`, and only when it is called, because the package is large.
 *
 * The SDK has no options for a port, a time-out or a certificate authority. An `https.Agent` has these options, so this function gives the
 * client such an agent.
 */
export async function openRegistry(address: HubAddress, options: ConnectionOptions): Promise<Registry> {
  // `azure-iothub` is a CommonJS package in which Node.js finds no named exports. So the classes are read from the default export.
  const {
    default: { Registry: Client },
  } = await import('azure-iothub');
  const { host, port } = hostOf(address);
  const registry =
    'connectionString' in address
      ? Client.fromConnectionString(address.connectionString.replace(/HostName=[^;]+/i, `HostName=${host}`))
      : Client.fromTokenCredential(host, await credentialOf(address.identity));
  const [{ TimedAgent }, { contextThatTrusts }] = await Promise.all([
    import('./timed-agent.ts'),
    import('./tls-context.ts'),
  ]);
  const agent = new TimedAgent({
    port,
    keepAlive: true,
    maxSockets: 32,
    timeout: options.idleTimeout,
    ...(options.ca === undefined ? {} : { secureContext: contextThatTrusts(options.ca) }),
  });
  // The registry client has no public option for an agent, unlike other clients of the SDK. So the agent is set in a private field.
  const { _restApiClient: client } = registry as unknown as {
    _restApiClient?: { setOptions?(options: { http: { agent: Agent } }): void };
  };
  if (client?.setOptions === undefined) {
    throw new Error('This version of azure-iothub accepts no HTTPS agent. Use version 1.16.');
  }
  client.setOptions({ http: { agent } });
  return registry;
}
