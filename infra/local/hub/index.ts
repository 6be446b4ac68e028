/**
 * The local hub stands in for Azure IoT Hub on one machine, for development, tests and measurements. It serves IoT Hub's service API
 * over TLS and its events over AMQP, so the unmodified Azure SDKs are its clients. Devices and twins are in memory: a restart
 * begins with an empty hub. Its control endpoint can throttle calls, make calls fail, and report properties as a device would.
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
  /** Default: 0, any free port. */
  readonly httpsPort?: number;
  /** Default: 0, any free port. */
  readonly amqpPort?: number;
  /** Default: 0, any free port. */
  readonly controlPort?: number;
  /** The folder of keys and certificates. */
  readonly folder: string;
  readonly hubName?: string;
  /** Number of newest events that each partition keeps. Default: all. */
  readonly retainEvents?: number;
  /** Whether the hub routes its events to the event endpoint. Without a route, events are lost. Default: true. */
  readonly routesEvents?: boolean;
}

export interface LocalHubEndpoints {
  /** For administrators of the hub: operators, the demo fleet, tests. */
  readonly iotHubConnectionString: string;
  /** For Twinkeeper only: the hub counts its calls separately. */
  readonly twinkeeperConnectionString: string;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  /** Path of the certificate authority's PEM file. */
  readonly caFile: string;
  /** URL of the control endpoint, without a trailing slash. */
  readonly controlUrl: string;
}

/** Starts an empty hub on loopback. Rejects with a one-line message if a port is in use or a file in the folder is damaged. */
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
