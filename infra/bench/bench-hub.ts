import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubAddress } from '../../shared/hub/index.ts';
import type { CallCounts } from '../local/hub/calls.ts';
import { loadCredentials, type ownerPolicy, type twinkeeperPolicy } from '../local/hub/credentials.ts';
import { EventLog } from '../local/hub/event-log.ts';
import type { Registry } from '../local/hub/registry.ts';
import { type RegistryServiceOptions, startRegistryService } from '../local/hub/registry-service.ts';

type Given = 'httpsPort' | 'controlPort' | 'hubName' | 'credentials' | 'log';

export interface BenchHubOptions extends Omit<RegistryServiceOptions, Given> {
  /** How many of the newest events each partition keeps. */
  readonly retainEvents?: number;
}

/** Who calls; the hub counts the calls of each by themselves. */
export type Caller = typeof ownerPolicy | typeof twinkeeperPolicy;

/** A local hub in this process: SDKs reach it over TLS as they would any, and a bench can also fill and watch it from within. */
export interface BenchHub {
  readonly registry: Registry;
  readonly log: EventLog;
  /** The hub's certificate authority, in PEM. */
  readonly ca: string;
  addressFor(caller: Caller): HubAddress;
  /** The calls of one caller so far. */
  callsOf(caller: Caller): Promise<CallCounts>;
  close(): Promise<void>;
}

/** Starts a hub whose keys and certificates are made in this folder. */
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
      const { byPolicy } = (await answer.json()) as { readonly byPolicy: Readonly<Record<Caller, CallCounts>> };
      return byPolicy[caller];
    },
    close: () => service.close(),
  };
}
