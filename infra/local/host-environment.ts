/** What the function host is told: the app settings of the local system, and nothing of a real one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalHubEndpoints, LocalHubOptions } from './hub/index.ts';

/** The app settings under which the functions run on this machine (the `Values` of local.settings.json). */
export function localSettings(
  hub: LocalHubEndpoints,
  storageConnectionString: string,
  { throttle, routesEvents = true }: Pick<LocalHubOptions, 'throttle' | 'routesEvents'> = {},
): Readonly<Record<string, string>> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storageConnectionString,
    IOTHUB_CONNECTION_STRING: hub.twinkeeperConnectionString,
    EventHubConnection: hub.eventHubConnectionString,
    EVENTHUB_NAME: hub.eventHubName,
    EVENTHUB_CONSUMER_GROUP: '$Default',
    // Seconds; nobody at a terminal waits for half a minute.
    TWINKEEPER_RETRY_DELAY: '1',
    // The demo disturbs in minutes what a fleet would not see in a year: any real limit would hold most of it back.
    TWINKEEPER_MAX_OVERWRITES_PER_HOUR: '100000000',
    // Unless the hub is asked to throttle, a budget for less than the largest would slow the demo down for nothing.
    ...(throttle === undefined
      ? { TWINKEEPER_HUB_TIER: 'S3', TWINKEEPER_HUB_UNITS: '10', TWINKEEPER_BUDGET_SHARE: '1' }
      : { TWINKEEPER_HUB_TIER: throttle.tier, TWINKEEPER_HUB_UNITS: String(throttle.units) }),
    TWINKEEPER_ROLLUP_SCHEDULE: '*/10 * * * * *',
    // Every minute is often enough to be seen. Without events, the demo itself asks for sweeps, when it has done what they are to find.
    TWINKEEPER_SWEEP_SCHEDULE: routesEvents ? '0 * * * * *' : '0 0 0 1 1 *',
  };
}

/** Writes the settings in the form of local.settings.json, readable by their owner only, and returns the file's path. */
export async function writeSettingsFile(folder: string, values: Readonly<Record<string, string>>): Promise<string> {
  const file = join(folder, 'local.settings.json');
  await writeFile(file, JSON.stringify({ IsEncrypted: false, Values: values }, undefined, 2), { mode: 0o600 });
  return file;
}

/**
 * The environment of the function host: ours without any app setting, because in the environment those win over the settings file, and
 * a shell that is set up for a real hub must not lead the local system to it. `keepOwn` lets Twinkeeper's own settings through.
 */
export function hostEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  caFile: string,
  keepOwn: boolean,
): Record<string, string | undefined> {
  const foreign = /^(IOTHUB_|EVENTHUB_|EventHubConnection|AzureWebJobs|AZURE_|FUNCTIONS_|APPLICATIONINSIGHTS_)/i;
  const kept = Object.entries(environment).filter(
    ([name]) => !foreign.test(name) && (keepOwn || !/^TWINKEEPER_/i.test(name)),
  );
  return { ...Object.fromEntries(kept), NODE_EXTRA_CA_CERTS: caFile };
}
