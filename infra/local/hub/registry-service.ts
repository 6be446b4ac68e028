/** The hub without its AMQP side: the service API and the control endpoint over one registry. */
import { type Clock, systemClock } from '../../../shared/clock.ts';
import { scaledClock } from '../scaled-clock.ts';
import { CallCounter } from './calls.ts';
import { Configurations } from './configurations.ts';
import { startControlEndpoint } from './control-endpoint.ts';
import { type Credentials, servicePolicies } from './credentials.ts';
import type { EventLog } from './event-log.ts';
import type { Fault } from './fault.ts';
import { Faults } from './faults.ts';
import { type Middleware, startHttpService } from './http-service.ts';
import { Registry } from './registry.ts';
import { Throttle, type ThrottleOptions } from './throttle.ts';

/** How the hub treats its clients, as plain data. By default it does at once what it is asked. */
export interface HubBehaviour {
  /** Off unless given. */
  readonly throttle?: ThrottleOptions;
  /** In force from the start; none unless given. */
  readonly faults?: readonly Fault[];
  /** Milliseconds of the hub's time: queries see its twins as they were so long ago. Default: 0. */
  readonly queryLag?: number;
  /** How many times as fast as the clock the hub's time runs, for all that takes time: 60 makes a minute a second. */
  readonly timeScale?: number;
}

export interface RegistryServiceOptions extends HubBehaviour {
  readonly httpsPort: number;
  readonly controlPort: number;
  readonly hubName: string;
  readonly credentials: Credentials;
  /** Gets every event. */
  readonly log: EventLog;
  /** Stands before faults and throttles. */
  readonly before?: readonly Middleware[];
  /** What `timeScale` is applied to; the machine's own clock unless given. */
  readonly clock?: Clock;
}

export interface RegistryService {
  readonly httpsPort: number;
  readonly controlUrl: string;
  readonly registry: Registry;
  close(): Promise<void>;
}

/** Starts both endpoints on 127.0.0.1. Rejects, with nothing left running, if a port is taken. */
export async function startRegistryService(options: RegistryServiceOptions): Promise<RegistryService> {
  const { hubName, credentials, log, before = [], timeScale = 1, queryLag = 0 } = options;
  const clock = scaledClock(timeScale, options.clock ?? systemClock);
  const throttle = new Throttle(clock);
  if (options.throttle !== undefined) throttle.turnOn(options.throttle);
  const registry = new Registry({ hubName, log, queryLag: queryLag / timeScale });
  const policies = servicePolicies(credentials);
  const policyNames = policies.map(({ name }) => name);
  const calls = new CallCounter(policyNames);
  const faults = new Faults(policyNames, clock);
  faults.replace(options.faults ?? []);
  const stores = { registry, configurations: new Configurations() };
  const https = await startHttpService({
    port: options.httpsPort,
    tls: credentials.tls,
    policies,
    stores,
    calls,
    before: [...before, faults.middleware, throttle.middleware],
  });
  try {
    const control = await startControlEndpoint({ port: options.controlPort, registry, calls, log, throttle, faults });
    return {
      httpsPort: https.port,
      controlUrl: `http://127.0.0.1:${control.port}`,
      registry,
      async close() {
        await Promise.all([https.close(), control.close()]);
      },
    };
  } catch (error) {
    await https.close();
    throw error;
  }
}
