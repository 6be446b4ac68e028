/**
 * Runs a local hub without AMQP that has a fleet from the start. Writes the fleet directly into the registry: the hub's API would need
 * minutes.
 */
import { loadCredentials } from '../../local/hub/credentials.ts';
import { EventLog } from '../../local/hub/event-log.ts';
import { startRegistryService } from '../../local/hub/registry-service.ts';
import { runService, type Service } from '../../local/service-child.ts';
import { deviceIdOf, fleetModules } from '../fleet.ts';

export interface FilledHubOptions {
  /** Folder for the hub's keys and certificates. */
  readonly folder: string;
  readonly devices: number;
}

export interface FilledHubEndpoints {
  readonly ownerConnectionString: string;
  readonly twinkeeperConnectionString: string;
  readonly caFile: string;
  readonly controlUrl: string;
}

await runService(startFilledHub);

async function startFilledHub({ folder, devices }: FilledHubOptions): Promise<Service<FilledHubEndpoints>> {
  const credentials = await loadCredentials(folder);
  const { registry, httpsPort, controlUrl, close } = await startRegistryService({
    httpsPort: 0,
    controlPort: 0,
    hubName: 'bench-hub',
    credentials,
    // The event log keeps almost no events: nothing reads them, and each event is as large as a twin.
    log: new EventLog(1, undefined, 1),
  });
  for (let number = 0; number < devices; number++) {
    const deviceId = deviceIdOf(number);
    registry.create({ deviceId }, {});
    for (const { moduleId, tags, desired, reported } of fleetModules) {
      registry.create({ deviceId, moduleId }, {}, { tags, desired });
      registry.report({ deviceId, moduleId }, reported);
    }
  }
  const connectionString = (policy: 'iothubowner' | 'twinkeeper') =>
    `HostName=localhost:${httpsPort};SharedAccessKeyName=${policy};SharedAccessKey=${credentials.keys[policy]}`;
  return {
    endpoints: {
      ownerConnectionString: connectionString('iothubowner'),
      twinkeeperConnectionString: connectionString('twinkeeper'),
      caFile: credentials.caFile,
      controlUrl,
    },
    close,
  };
}
