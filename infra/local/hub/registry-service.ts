/** The local hub without the AMQP endpoint: the service API and the control endpoint, which use the same registry. */
import { type Clock, systemClock } from '../../../shared/clock.ts';
import type { ManagedIdentity, TokenIssuer } from '../entra/index.ts';
import { scaledClock } from '../scaled-clock.ts';
import { applyConfigurations } from './apply-configurations.ts';
import { Authenticator } from './authenticator.ts';
import { CallCounter } from './calls.ts';
import { Configurations } from './configurations.ts';
import { startControlEndpoint } from './control-endpoint.ts';
import { type Credentials, sharedAccessPolicies } from './credentials.ts';
import type { EventLog } from './event-log.ts';
import type { Fault } from './fault.ts';
import { Faults } from './faults.ts';
import { type Middleware, startHttpService } from './http-service.ts';
import { Jobs } from './jobs/index.ts';
import { Quota, type QuotaOptions, quotaOf } from './quota.ts';
import { Registry } from './registry.ts';
import { Throttle, type ThrottleOptions } from './throttle.ts';

/** Options that make the hub slow, limited or faulty, as plain JSON. By default the hub responds at once, without limits and faults. */
export interface HubBehaviour {
  /** Throttles that are on from the start of the hub. Default: none. */
  readonly throttle?: ThrottleOptions;
  /** The daily message quota. Default: the quota of the throttled hub, or none. */
  readonly quota?: QuotaOptions;
  /** Simulated faults that are active from the start of the hub. Default: none. */
  readonly faults?: readonly Fault[];
  /** Age of the twins that queries return, in milliseconds on the hub's clock. Default: 0. */
  readonly queryLag?: number;
  /**
   * Speed of the hub's clock. With 60, one minute on the hub's clock lasts one second. Applies to throttles, faults and the query lag.
   * Default: 1.
   */
  readonly timeScale?: number;
}

export interface RegistryServiceOptions extends HubBehaviour {
  readonly httpsPort: number;
  readonly controlPort: number;
  /** The loopback address on which the service API listens. Default: 127.0.0.1. */
  readonly httpsAddress?: string;
  /** The host name of the service API, as the certificate in `credentials` names it. Default: `localhost`. */
  readonly hostName?: string;
  readonly hubName: string;
  readonly credentials: Credentials;
  /** The managed identities that have roles on the hub. Default: none. */
  readonly identities?: readonly ManagedIdentity[];
  /** The issuer of the identities' tokens. */
  readonly issuer?: TokenIssuer;
  /** The log to which the hub appends all its events. */
  readonly log: EventLog;
  /** More middleware, which runs before the middleware of faults and throttles. */
  readonly middleware?: readonly Middleware[];
  /** The clock on which the hub's clock is based. The hub's clock is `timeScale` times as fast. Default: the system clock. */
  readonly clock?: Clock;
}

export interface RegistryService {
  readonly httpsPort: number;
  readonly controlUrl: string;
  readonly registry: Registry;
  close(): Promise<void>;
}

/** Milliseconds between two times at which the hub applies its configurations. */
const configurationInterval = 5 * 60_000;

/** Starts the service API and the control endpoint. If a port is in use, rejects, and leaves no endpoint running. */
export async function startRegistryService(options: RegistryServiceOptions): Promise<RegistryService> {
  const { hubName, credentials, log, middleware = [], timeScale = 1, queryLag = 0 } = options;
  const clock = scaledClock(timeScale, options.clock ?? systemClock);
  const throttle = new Throttle(clock);
  if (options.throttle !== undefined) throttle.turnOn(options.throttle);
  const quota = new Quota(clock);
  const limit = options.quota ?? (options.throttle && quotaOf(options.throttle.tier, options.throttle.units));
  if (limit !== undefined) quota.set(limit);
  const registry = new Registry({ hubName, log, queryLag: queryLag / timeScale });
  const { identities = [], issuer } = options;
  const authenticator = new Authenticator({
    policies: sharedAccessPolicies(credentials),
    identities,
    ...(issuer === undefined ? {} : { issuer }),
  });
  const calls = new CallCounter(authenticator.names);
  const faults = new Faults(authenticator.names, clock);
  faults.replace(options.faults ?? []);
  const jobs = new Jobs(registry, clock);
  const stores = { registry, configurations: new Configurations(), jobs };
  const https = await startHttpService({
    port: options.httpsPort,
    address: options.httpsAddress ?? '127.0.0.1',
    hostName: options.hostName ?? 'localhost',
    tls: credentials.tls,
    authenticator,
    stores,
    calls,
    middleware: [...middleware, faults.middleware, throttle.middleware, quota.middleware],
  });
  const applying = setInterval(
    () => applyConfigurations(registry, stores.configurations),
    configurationInterval / timeScale,
  ).unref();
  try {
    const control = await startControlEndpoint({
      port: options.controlPort,
      ...stores,
      calls,
      log,
      throttle,
      quota,
      faults,
    });
    return {
      httpsPort: https.port,
      controlUrl: `http://127.0.0.1:${control.port}`,
      registry,
      async close() {
        clearInterval(applying);
        await Promise.all([https.close(), control.close(), jobs.close()]);
      },
    };
  } catch (error) {
    clearInterval(applying);
    await https.close();
    throw error;
  }
}
