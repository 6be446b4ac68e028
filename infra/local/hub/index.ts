/**
 * The local hub simulates Azure IoT Hub on one machine, for development, tests and measurements. It serves IoT Hub's service API over TLS,
 * and the hub's events over AMQP. Clients use the unmodified Azure SDKs. Devices and twins are in memory only: after a restart, the hub is
 * empty. The control endpoint of the hub can throttle calls, make calls fail, and write reported properties as a device would.
 * @module
 */
import type { Service } from '../service-child.ts';
import { startAmqp } from './amqp/index.ts';
import { eventsPolicy, loadCredentials, ownerPolicy, twinkeeperPolicy } from './credentials.ts';
import { EventLog } from './event-log.ts';
import { type HubBehaviour, startRegistryService } from './registry-service.ts';

export type { Fault, FaultKind } from './fault.ts';
export type { Target } from './ids.ts';
export type { HubBehaviour } from './registry-service.ts';
export type { ThrottleOptions } from './throttle.ts';

export interface LocalHubOptions extends HubBehaviour {
  /** The port of the service API. Default: 0, which picks a free port. */
  readonly httpsPort?: number;
  /** The port of the event endpoint. Default: 0, which picks a free port. */
  readonly amqpPort?: number;
  /** The port of the control endpoint. Default: 0, which picks a free port. */
  readonly controlPort?: number;
  /** The folder in which the hub stores its keys and certificates. */
  readonly folder: string;
  readonly hubName?: string;
  /** Number of events that each partition keeps. Older events are dropped. Default: all events are kept. */
  readonly retainEvents?: number;
  /** Whether the hub routes its events to the event endpoint. With false, all events are lost. Default: true. */
  readonly routesEvents?: boolean;
}

export interface LocalHubEndpoints {
  /** Connection string for the administrators of the hub: people who operate the hub, the demo fleet, and tests. */
  readonly iotHubConnectionString: string;
  /** Connection string for Twinkeeper only, so that the hub counts Twinkeeper's calls separately. */
  readonly twinkeeperConnectionString: string;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  /** Path of the PEM file with the certificate of the local certificate authority. Clients must trust this certificate. */
  readonly caFile: string;
  /** URL of the control endpoint, without a trailing slash. */
  readonly controlUrl: string;
}

/**
 * Starts an empty hub on loopback. Rejects with an Error whose message is one line if a port is in use or a file in the folder is damaged.
 */
export async function startLocalHub(options: LocalHubOptions): Promise<Service<LocalHubEndpoints>> {
  const { httpsPort = 0, amqpPort = 0, controlPort = 0, folder, hubName = 'twinkeeper-local', ...rest } = options;
  const { retainEvents, routesEvents = true, ...behaviour } = rest;
  const log = new EventLog(undefined, undefined, retainEvents);
  const registryLog = routesEvents ? log : new EventLog(undefined, undefined, 1);
  const credentials = await loadCredentials(folder);
  const service = await startRegistryService({
    httpsPort,
    controlPort,
    hubName,
    credentials,
    log: registryLog,
    ...behaviour,
  });
  try {
    const eventHubName = hubName;
    const key = credentials.keys[eventsPolicy];
    const amqp = await startAmqp(log, { port: amqpPort, eventHubName, keyName: eventsPolicy, key });
    const connectionString = (policy: typeof ownerPolicy | typeof twinkeeperPolicy) =>
      `HostName=localhost:${service.httpsPort};SharedAccessKeyName=${policy};SharedAccessKey=${credentials.keys[policy]}`;
    return {
      endpoints: {
        iotHubConnectionString: connectionString(ownerPolicy),
        twinkeeperConnectionString: connectionString(twinkeeperPolicy),
        eventHubConnectionString: amqp.connectionString,
        eventHubName,
        caFile: credentials.caFile,
        controlUrl: service.controlUrl,
      },
      async close() {
        await Promise.all([service.close(), amqp.close()]);
      },
    };
  } catch (error) {
    await service.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${amqpPort} is in use: stop the program that listens there, or choose another amqpPort.`);
  }
}
