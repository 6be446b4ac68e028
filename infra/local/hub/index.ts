/**
 * The local hub: speaks IoT Hub's service API over TLS and emits its events over AMQP, so that the SDKs made for Azure can be used
 * on one machine as they are.
 * @module
 */
import type { Service } from '../service.ts';
import { startAmqp } from './amqp/index.ts';
import { EVENTS_POLICY, loadCredentials, OWNER_POLICY, TWINKEEPER_POLICY } from './credentials.ts';
import { EventLog } from './event-log.ts';
import { type HubBehaviour, startRegistryService } from './registry-service.ts';

export { reportProperties } from './control-endpoint.ts';
export type { Fault, FaultKind } from './fault.ts';
export type { Target } from './ids.ts';
export type { HubBehaviour } from './registry-service.ts';
export type { ThrottleOptions } from './throttle.ts';

export interface LocalHubOptions extends HubBehaviour {
  /** 0 or none: any free one. The same goes for the other two. */
  readonly httpsPort?: number;
  readonly amqpPort?: number;
  readonly controlPort?: number;
  /** Where keys and certificates are kept. */
  readonly folder: string;
  readonly hubName?: string;
  /** How many of the newest events each partition keeps for those that read them later. Default: all. */
  readonly retainEvents?: number;
  /** Whether a route brings the hub's events to its event endpoint; without one they are lost. Default: true. */
  readonly routesEvents?: boolean;
}

export interface LocalHubEndpoints {
  /** For everybody who administers the hub: operators, the demo fleet, tests. */
  readonly iotHubConnectionString: string;
  /** For Twinkeeper alone, whose calls are counted by themselves. */
  readonly twinkeeperConnectionString: string;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  /** The certificate authority, as a PEM file. */
  readonly caFile: string;
  /** Without a slash at its end. */
  readonly controlUrl: string;
}

/** Starts the hub on loopback, empty. Rejects with one line for a person if a port is taken or the folder's files are spoilt. */
export async function startLocalHub(options: LocalHubOptions): Promise<Service<LocalHubEndpoints>> {
  const { httpsPort = 0, amqpPort = 0, controlPort = 0, folder, hubName = 'twinkeeper-local', ...rest } = options;
  const { retainEvents, routesEvents = true, ...behaviour } = rest;
  const log = new EventLog(undefined, undefined, retainEvents);
  const emitted = routesEvents ? log : new EventLog(undefined, undefined, 1);
  const credentials = await loadCredentials(folder);
  const service = await startRegistryService({
    httpsPort,
    controlPort,
    hubName,
    credentials,
    log: emitted,
    ...behaviour,
  });
  try {
    const eventHubName = hubName;
    const key = credentials.keys[EVENTS_POLICY];
    const amqp = await startAmqp(log, { port: amqpPort, eventHubName, keyName: EVENTS_POLICY, key });
    const connectionString = (policy: typeof OWNER_POLICY | typeof TWINKEEPER_POLICY) =>
      `HostName=localhost:${service.httpsPort};SharedAccessKeyName=${policy};SharedAccessKey=${credentials.keys[policy]}`;
    return {
      endpoints: {
        iotHubConnectionString: connectionString(OWNER_POLICY),
        twinkeeperConnectionString: connectionString(TWINKEEPER_POLICY),
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
    throw new Error(`Port ${amqpPort} is in use: stop what listens there, or choose another amqpPort.`);
  }
}
