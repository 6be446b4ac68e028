/**
 * The local hub simulates Azure IoT Hub on one machine, for development, tests and measurements. It serves IoT Hub's service API over TLS,
 * and the hub's events over AMQP. Clients use the unmodified Azure SDKs. Devices and twins are in memory only: after a restart, the hub is
 * empty. The control endpoint of the hub can throttle calls, make calls fail, and write reported properties as a device would.
 * @module
 */
import {
  type IdentityEndpointAddress,
  type ManagedIdentity,
  startIdentityEndpoint,
  TokenIssuer,
} from '../entra/index.ts';
import type { Service } from '../service-child.ts';
import { startAmqp } from './amqp/index.ts';
import { eventsPolicy, loadCredentials, operatorPolicy, type PolicyName, twinkeeperPolicy } from './credentials.ts';
import { EventLog } from './event-log.ts';
import { type HubBehaviour, startRegistryService } from './registry-service.ts';

export type { Fault, FaultKind } from './fault.ts';
export type { Target } from './ids.ts';
export type { QuotaOptions } from './quota.ts';
export type { HubBehaviour } from './registry-service.ts';
export type { ThrottleOptions } from './throttle.ts';

export interface LocalHubOptions extends HubBehaviour {
  /** The port of the service API. Default: 0, which picks a free port. */
  readonly httpsPort?: number;
  /** The name by which clients reach the service API. The certificate names it. Default: `localhost`. */
  readonly hostName?: string;
  /** The loopback address to which `hostName` leads. The service API listens there. Default: 127.0.0.1. */
  readonly httpsAddress?: string;
  /** The port of the event endpoint. Default: 0, which picks a free port. */
  readonly amqpPort?: number;
  /** The port of the control endpoint. Default: 0, which picks a free port. */
  readonly controlPort?: number;
  /** The folder in which the hub stores its keys and certificates. */
  readonly folder: string;
  readonly hubName?: string;
  /** The managed identities that have roles on the hub. With any, the hub starts an identity endpoint. Default: none. */
  readonly identities?: readonly ManagedIdentity[];
  /** Number of events that each partition keeps. Older events are dropped. Default: all events are kept. */
  readonly retainEvents?: number;
  /** Whether the hub routes its events to the event endpoint. With false, all events are lost. Default: true. */
  readonly routesEvents?: boolean;
}

export interface LocalHubEndpoints {
  /** The host name of the service API. It includes the port, unless the port is 443. */
  readonly hostName: string;
  /** Connection string for the people who operate the hub, for the demo fleet, and for tests. It may use the whole service API. */
  readonly iotHubConnectionString: string;
  /** Connection string for Twinkeeper only, so that the hub counts Twinkeeper's calls separately. */
  readonly twinkeeperConnectionString: string;
  /** Where apps get the tokens of the hub's managed identities. */
  readonly identity?: IdentityEndpointAddress;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  /** Path of the PEM file with the certificate of the local certificate authority. Clients must trust this certificate. */
  readonly caFile: string;
  /** URL of the control endpoint, without a trailing slash. */
  readonly controlUrl: string;
}

/**
 * Starts an empty hub on loopback. Rejects with an Error whose message is one line if a port is in use, a role is unknown, or a file in the
 * folder is damaged.
 */
export async function startLocalHub(options: LocalHubOptions): Promise<Service<LocalHubEndpoints>> {
  const { httpsPort = 0, amqpPort = 0, controlPort = 0, folder, hubName = 'twinkeeper-local', ...rest } = options;
  const { retainEvents, routesEvents = true, hostName = 'localhost', identities = [], ...behaviour } = rest;
  const log = new EventLog(undefined, undefined, retainEvents);
  const registryLog = routesEvents ? log : new EventLog(undefined, undefined, 1);
  const credentials = await loadCredentials(folder, hostName);
  const issuer = new TokenIssuer();
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closing.map((end) => end()));
  };
  try {
    const service = await startRegistryService({
      httpsPort,
      controlPort,
      hostName,
      hubName,
      credentials,
      identities,
      issuer,
      log: registryLog,
      ...behaviour,
    });
    closing.push(service.close);
    const key = credentials.keys[eventsPolicy];
    const amqp = await startAmqp(log, { port: amqpPort, eventHubName: hubName, keyName: eventsPolicy, key });
    closing.push(amqp.close);
    const identity = identities.length === 0 ? undefined : await startIdentityEndpoint(identities, issuer);
    if (identity !== undefined) closing.push(identity.close);
    const host = service.httpsPort === 443 ? hostName : `${hostName}:${service.httpsPort}`;
    const connectionString = (policy: PolicyName) =>
      `HostName=${host};SharedAccessKeyName=${policy};SharedAccessKey=${credentials.keys[policy]}`;
    return {
      endpoints: {
        hostName: host,
        iotHubConnectionString: connectionString(operatorPolicy),
        twinkeeperConnectionString: connectionString(twinkeeperPolicy),
        ...(identity === undefined ? {} : { identity: { endpoint: identity.endpoint, header: identity.header } }),
        eventHubConnectionString: amqp.connectionString,
        eventHubName: hubName,
        caFile: credentials.caFile,
        controlUrl: service.controlUrl,
      },
      close,
    };
  } catch (error) {
    await close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${amqpPort} is in use: stop the program that listens there, or choose another amqpPort.`);
  }
}
