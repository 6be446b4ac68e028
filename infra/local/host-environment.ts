/** The app settings and the environment of the function host in the local system. They contain no address and no key of a real hub. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityEnvironment, identitySettings } from './app-identity.ts';
import type { IdentityEndpointAddress } from './entra/index.ts';
import type { LocalHubEndpoints, LocalHubOptions } from './hub/index.ts';

export interface LocalSettingsOptions extends Pick<LocalHubOptions, 'throttle'> {
  /** The number of twins in which a policy may overwrite or remove something in an hour. */
  readonly blastRadius: number;
  /** Whether the demo asks for all sweeps itself. The timer then starts no sweep. */
  readonly demoSweeps?: boolean;
}

/** The app settings of the functions in the local system: the object `Values` of local.settings.json. */
export function localSettings(
  hub: LocalHubEndpoints,
  storageConnectionString: string,
  { throttle, blastRadius, demoSweeps = false }: LocalSettingsOptions,
): Readonly<Record<string, string>> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storageConnectionString,
    ...identitySettings(hub.hostName),
    EventHubConnection: hub.eventHubConnectionString,
    EVENTHUB_NAME: hub.eventHubName,
    EVENTHUB_CONSUMER_GROUP: '$Default',
    // One second instead of the default of 30 seconds, so that a person at a terminal sees the retry soon.
    TWINKEEPER_RETRY_DELAY: '1',
    // One second instead of the default of 60 seconds, so that a person sees a deleted module come back.
    TWINKEEPER_SETTLE_SECONDS: '1',
    TWINKEEPER_BLAST_RADIUS: String(blastRadius),
    // If the local hub throttles, the app gets the budget of that hub. Otherwise it gets the budget of the largest hub: a smaller budget
    // would slow the demo down without need.
    ...(throttle === undefined
      ? { TWINKEEPER_HUB_TIER: 'S3', TWINKEEPER_HUB_UNITS: '10', TWINKEEPER_BUDGET_SHARE: '1' }
      : { TWINKEEPER_HUB_TIER: throttle.tier, TWINKEEPER_HUB_UNITS: String(throttle.units) }),
    TWINKEEPER_ROLLUP_SCHEDULE: '*/10 * * * * *',
    // Sweeps run every minute, so that a person sees them. If the demo asks for sweeps itself, the schedule fires only once a year.
    TWINKEEPER_SWEEP_SCHEDULE: demoSweeps ? '0 0 0 1 1 *' : '0 * * * * *',
  };
}

/** Writes the settings into the file local.settings.json, which only its owner can read. Returns the path of the file. */
export async function writeSettingsFile(folder: string, values: Readonly<Record<string, string>>): Promise<string> {
  const file = join(folder, 'local.settings.json');
  await writeFile(file, JSON.stringify({ IsEncrypted: false, Values: values }, undefined, 2), { mode: 0o600 });
  return file;
}

/**
 * The environment variables of the function host: those of the shell without app settings, and those of the app's managed identity.
 *
 * @param keepOwn whether to keep settings whose names begin with `TWINKEEPER_`
 */
export function hostEnvironment(
  environment: Environment,
  { caFile, identity }: { readonly caFile: string; readonly identity: IdentityEndpointAddress },
  keepOwn: boolean,
): Environment {
  return {
    ...withoutAppSettings(environment, keepOwn),
    NODE_EXTRA_CA_CERTS: caFile,
    ...identityEnvironment(identity),
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment variables of the shell, without app settings. The function host reads a setting from the environment first and from the
 * settings file second. Without this, the settings of a shell for a real hub would connect the local system to that hub.
 *
 * @param keepOwn whether to keep settings whose names begin with `TWINKEEPER_`
 */
export function withoutAppSettings(environment: Environment, keepOwn: boolean): Environment {
  const appSetting =
    /^(IOTHUB_|EVENTHUB_|EventHubConnection|AzureWebJobs|AZURE_|FUNCTIONS_|APPLICATIONINSIGHTS_|IDENTITY_|MSI_)/i;
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !appSetting.test(name) && (keepOwn || !/^TWINKEEPER_/i.test(name))),
  );
}
