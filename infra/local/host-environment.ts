/** The app settings and the environment of the function host. They hold nothing that leads to a real hub. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalHubEndpoints, LocalHubOptions } from './hub/index.ts';

export interface LocalSettingsOptions extends Pick<LocalHubOptions, 'throttle' | 'routesEvents'> {
  /** The blast radius: values that a policy may overwrite in an hour. */
  readonly maxOverwritesPerHour: number;
}

/** The app settings of the functions on this machine: the `Values` of local.settings.json. */
export function localSettings(
  hub: LocalHubEndpoints,
  storageConnectionString: string,
  { throttle, routesEvents = true, maxOverwritesPerHour }: LocalSettingsOptions,
): Readonly<Record<string, string>> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storageConnectionString,
    IOTHUB_CONNECTION_STRING: hub.twinkeeperConnectionString,
    EventHubConnection: hub.eventHubConnectionString,
    EVENTHUB_NAME: hub.eventHubName,
    EVENTHUB_CONSUMER_GROUP: '$Default',
    // One second instead of the default 30, so that a person at a terminal sees the retry.
    TWINKEEPER_RETRY_DELAY: '1',
    TWINKEEPER_MAX_OVERWRITES_PER_HOUR: String(maxOverwritesPerHour),
    // Unless the local hub throttles, the app gets the budget of the largest hub. A smaller one would slow the demo down for nothing.
    ...(throttle === undefined
      ? { TWINKEEPER_HUB_TIER: 'S3', TWINKEEPER_HUB_UNITS: '10', TWINKEEPER_BUDGET_SHARE: '1' }
      : { TWINKEEPER_HUB_TIER: throttle.tier, TWINKEEPER_HUB_UNITS: String(throttle.units) }),
    TWINKEEPER_ROLLUP_SCHEDULE: '*/10 * * * * *',
    // Every minute, so that sweeps can be seen. Without events the demo asks for its sweeps itself, and the schedule fires once a year.
    TWINKEEPER_SWEEP_SCHEDULE: routesEvents ? '0 * * * * *' : '0 0 0 1 1 *',
  };
}

/** Writes the settings as a local.settings.json that only its owner can read, and returns the file's path. */
export async function writeSettingsFile(folder: string, values: Readonly<Record<string, string>>): Promise<string> {
  const file = join(folder, 'local.settings.json');
  await writeFile(file, JSON.stringify({ IsEncrypted: false, Values: values }, undefined, 2), { mode: 0o600 });
  return file;
}

/**
 * The environment of the function host: the shell's, without any app setting. The host prefers the environment to the settings file, so
 * a shell that is set up for a real hub would lead the local system to that hub.
 *
 * @param keepOwn keeps the settings whose names begin with `TWINKEEPER_`
 */
export function hostEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  caFile: string,
  keepOwn: boolean,
): Record<string, string | undefined> {
  const appSetting = /^(IOTHUB_|EVENTHUB_|EventHubConnection|AzureWebJobs|AZURE_|FUNCTIONS_|APPLICATIONINSIGHTS_)/i;
  const kept = Object.entries(environment).filter(
    ([name]) => !appSetting.test(name) && (keepOwn || !/^TWINKEEPER_/i.test(name)),
  );
  return { ...Object.fromEntries(kept), NODE_EXTRA_CA_CERTS: caFile };
}
