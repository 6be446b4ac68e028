/** The hub without its AMQP side: the service API and the control endpoint over one registry. */
import { CallCounter } from './calls.ts';
import { Configurations } from './configurations.ts';
import { startControlEndpoint } from './control-endpoint.ts';
import { type Credentials, servicePolicies } from './credentials.ts';
import type { EventLog } from './event-log.ts';
import { type Middleware, startHttpService } from './http-service.ts';
import { Registry } from './registry.ts';

export interface RegistryServiceOptions {
  readonly httpsPort: number;
  readonly controlPort: number;
  readonly hubName: string;
  readonly credentials: Credentials;
  /** Gets every event. */
  readonly log: EventLog;
  readonly before?: readonly Middleware[];
}

export interface RegistryService {
  readonly httpsPort: number;
  readonly controlUrl: string;
  readonly registry: Registry;
  close(): Promise<void>;
}

/** Starts both endpoints on 127.0.0.1. Rejects, with nothing left running, if a port is taken. */
export async function startRegistryService(options: RegistryServiceOptions): Promise<RegistryService> {
  const { hubName, credentials, log, before = [] } = options;
  const registry = new Registry({ hubName, log });
  const policies = servicePolicies(credentials);
  const calls = new CallCounter(policies.map(({ name }) => name));
  const stores = { registry, configurations: new Configurations() };
  const https = await startHttpService({
    port: options.httpsPort,
    tls: credentials.tls,
    policies,
    stores,
    calls,
    before,
  });
  try {
    const control = await startControlEndpoint({ port: options.controlPort, registry, calls, log });
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
