import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubAddress } from '../../shared/hub/index.ts';
import type { CallCounts } from '../local/hub/calls.ts';
import { loadCredentials, type ownerPolicy, type twinkeeperPolicy } from '../local/hub/credentials.ts';
import { EventLog } from '../local/hub/event-log.ts';
import type { Registry } from '../local/hub/registry.ts';
import { type RegistryServiceOptions, startRegistryService } from '../local/hub/registry-service.ts';

type FixedOptions = 'httpsPort' | 'controlPort' | 'hubName' | 'credentials' | 'log';

export interface BenchHubOptions extends Omit<RegistryServiceOptions, FixedOptions> {
  /** Number of events that each partition of the event log keeps. The log drops older events. Default: 1. */
  readonly retainEvents?: number;
}

/**
 * The name of the shared access policy with which a client calls the hub. The hub counts the calls of each shared access policy separately.
 */
export type Caller = typeof ownerPolicy | typeof twinkeeperPolicy;

/**
 * A local hub that runs in the process of the bench. SDKs call the hub over TLS. The bench can also use the hub's registry and event log
 * directly.
 */
export interface BenchHub {
  readonly registry: Registry;
  readonly log: EventLog;
  /** The certificate of the hub's certificate authority, as PEM text. */
  readonly ca: string;
  addressFor(caller: Caller): HubAddress;
  /** The numbers of calls that one client has made since the hub started. */
  callsOf(caller: Caller): Promise<CallCounts>;
  close(): Promise<void>;
}

/** Starts a local hub. The hub's keys and certificates are created in `folder`. */
export async function startBenchHub(
  folder: string,
  { retainEvents = 1, ...behaviour }: BenchHubOptions,
): Promise<BenchHub> {
  const log = new EventLog(undefined, undefined, retainEvents);
  const credentials = await loadCredentials(join(folder, 'hub'));
  const service = await startRegistryService({
    httpsPort: 0,
    controlPort: 0,
    hubName: 'bench-hub',
    credentials,
    log,
    ...behaviour,
  });
  return {
    registry: service.registry,
    log,
    ca: await readFile(credentials.caFile, 'utf8'),
    addressFor: (caller) => ({
      connectionString: `HostName=localhost:${service.httpsPort};SharedAccessKeyName=${caller};SharedAccessKey=${credentials.keys[caller]}`,
    }),
    async callsOf(caller) {
      const answer = await fetch(`${service.controlUrl}/calls`);
      const { byCaller } = (await answer.json()) as { readonly byCaller: Readonly<Record<Caller, CallCounts>> };
      return byCaller[caller];
    },
    close: () => service.close(),
  };
}
