import type * as z from 'zod/mini';
import type { BlastRadius } from '../shared/guards/index.ts';
import { type BudgetOptions, type HubAddress, hostOf } from '../shared/hub/index.ts';
import type { Mode } from '../shared/policy/index.ts';
import type { RetrySchedule } from '../shared/reconcile/index.ts';
import type { StorageAccount } from '../shared/storage/index.ts';
import { connectionFaults, identityFor, storageAccountOf } from './connection-settings.ts';
import { settingSchemas } from './setting-schemas.ts';
import { type SettingFault, SettingsError } from './settings-error.ts';

export { SettingsError, storageAccountOf };

/** The app settings after `readSettings` has checked them. */
export interface Settings {
  readonly hub: HubAddress;
  readonly storage: StorageAccount;
  readonly mode: Mode;
  /** `entra`: operators may sign in with Microsoft Entra ID. `keys`: only keys of the function app open the API. */
  readonly operators: 'keys' | 'entra';
  readonly retry: RetrySchedule;
  readonly sweep: {
    /** When the timer starts a sweep, as an NCRONTAB expression. */
    readonly schedule: string;
    /** Minutes that one invocation of the sweep may take. The next invocation continues the sweep. */
    readonly minutes: number;
    /** Hours between the starts of two walks of a policy that queries cannot express. 0: each sweep reads all of its twins. */
    readonly walkHours: number;
    /** What reads the twins of a large walk: an export job of the hub, or always queries. */
    readonly walkBy: 'export' | 'query';
    /** Days between two full looks, which check what the hub's queries say. 0: no full look. */
    readonly fullLookDays: number;
  };
  /**
   * The call budget of the hub. The hub's tier and units determine the hub's throttle limits. `share` is the part of those limits that
   * Twinkeeper may use, and `messageShare` is its part of the daily message quota: above 0, at most 1.
   */
  readonly budget: BudgetOptions;
  /** How many missing modules are created: by an import job of the hub, or always with bulk calls. */
  readonly backfill: 'import' | 'bulk';
  /**
   * The number of twins in which a policy may overwrite or remove something in an hour: a number of twins, or a share of the policy's
   * devices.
   */
  readonly blastRadius: BlastRadius;
  /** Seconds for which a deleted module is left alone before it is created again. 0 creates the module at once. */
  readonly settleSeconds: number;
  /** Age in days after which sweeps and closed history rows are removed. */
  readonly retentionDays: number;
  /** When the function `roll-up` counts the history, as an NCRONTAB expression. */
  readonly rollupSchedule: string;
  /** When the function `seal` seals the days that are over, as an NCRONTAB expression. */
  readonly sealSchedule: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

type SettingSchemas = typeof settingSchemas;
type Values = {
  readonly [Name in keyof SettingSchemas]:
    | z.output<ReturnType<SettingSchemas[Name]['schema']>>
    | SettingSchemas[Name]['fallback'];
};

/** Settings of earlier versions, and the settings that replace them. */
const replacedSettings = new Map([
  [
    'TWINKEEPER_MAX_OVERWRITES_PER_HOUR',
    'use TWINKEEPER_BLAST_RADIUS, which limits twins and not values. It is a number of twins or a percentage, such as 20%.',
  ],
]);

/** Matches the names of the settings that only the local system reads. The deployed app ignores such settings. */
const localNames = /^TWINKEEPER_LOCAL_/;

/**
 * Whether an error message must hide the value of a setting. People paste connection strings, keys and client secrets into the wrong setting.
 * Connection strings and most keys contain `=`, client secrets of Microsoft Entra ID contain `~`, and keys of Azure are long.
 */
function maybeSecret(name: string, value: string): boolean {
  return /connection|storage$/i.test(name) || /[=~]/.test(value) || value.length > 64;
}

/** The settings of the platform that the deployment may set, and that the app or the Functions host reads. */
const platformSettings = [
  'AZURE_CLIENT_ID',
  'AZURE_TOKEN_CREDENTIALS',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID',
];

/** The names of all settings that have a meaning in the settings of the deployed app. */
export const knownSettingNames: readonly string[] = [...Object.keys(settingSchemas), ...platformSettings];

/**
 * Reads the app settings from environment variables and checks them.
 *
 * @throws {SettingsError} when a setting is missing, malformed or unknown. The message lists all wrong settings and never shows a secret.
 */
export function readSettings(environment: Environment): Settings {
  // An empty value counts as "not given". The Azure portal keeps a cleared setting with an empty value.
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const faults: SettingFault[] = [];
  for (const message of connectionFaults(given)) faults.push({ message });
  for (const message of nameFaults(given)) faults.push({ message });
  if (given.EVENTHUB_NAME === undefined) {
    faults.push({ message: 'EVENTHUB_NAME is missing: it names the event hub.' });
  }
  const values = Object.entries(settingSchemas).map(([name, { schema, fallback }]) => {
    const value = given[name];
    if (value === undefined) return [name, fallback];
    const { data, error } = schema().safeParse(value);
    for (const { message } of error?.issues ?? []) {
      faults.push({ message: `${name} ${message}.`, ...(maybeSecret(name, value) ? {} : { value }) });
    }
    return [name, data];
  });
  if (faults.length > 0) throw new SettingsError(faults);

  const settings = Object.fromEntries(values) as Values;
  const hub: HubAddress =
    settings.IOTHUB_HOSTNAME === undefined
      ? { connectionString: settings.IOTHUB_CONNECTION_STRING ?? '' }
      : { hostName: settings.IOTHUB_HOSTNAME, identity: identityFor('IOTHUB', given) };
  if (hostOf(hub).host === '')
    throw new SettingsError([{ message: 'IOTHUB_CONNECTION_STRING has no host in its HostName.' }]);
  return {
    hub,
    storage: storageAccountOf(given, identityFor('AzureWebJobsStorage', given)),
    mode: settings.TWINKEEPER_MODE,
    operators: settings.TWINKEEPER_OPERATORS,
    retry: { firstDelay: settings.TWINKEEPER_RETRY_DELAY, attempts: settings.TWINKEEPER_RETRY_ATTEMPTS },
    sweep: {
      schedule: settings.TWINKEEPER_SWEEP_SCHEDULE.trim(),
      minutes: settings.TWINKEEPER_SWEEP_MINUTES,
      walkHours: settings.TWINKEEPER_WALK_HOURS,
      walkBy: settings.TWINKEEPER_WALK,
      fullLookDays: settings.TWINKEEPER_FULL_LOOK_DAYS,
    },
    settleSeconds: settings.TWINKEEPER_SETTLE_SECONDS,
    retentionDays: settings.TWINKEEPER_RETENTION_DAYS,
    rollupSchedule: settings.TWINKEEPER_ROLLUP_SCHEDULE.trim(),
    sealSchedule: settings.TWINKEEPER_SEAL_SCHEDULE.trim(),
    budget: {
      tier: settings.TWINKEEPER_HUB_TIER,
      units: settings.TWINKEEPER_HUB_UNITS,
      share: settings.TWINKEEPER_BUDGET_SHARE,
      messageShare: settings.TWINKEEPER_MESSAGE_SHARE,
    },
    backfill: settings.TWINKEEPER_BACKFILL,
    blastRadius: settings.TWINKEEPER_BLAST_RADIUS,
  };
}

/**
 * One sentence for each name that is not a setting, but was meant as one. Names are case-sensitive. Unknown names are refused: otherwise an app
 * with a misspelt `TWINKEEPER_MODE` would enforce where it should only audit.
 */
function nameFaults(given: Environment): readonly string[] {
  const known = Object.keys(settingSchemas);
  return Object.keys(given).flatMap((name) => {
    if (name in settingSchemas || localNames.test(name)) return [];
    const replacement = replacedSettings.get(name);
    if (replacement !== undefined) return [`${name} does not exist any more: ${replacement}`];
    const meant = known.find((each) => each.toLowerCase() === name.toLowerCase());
    if (meant !== undefined) return [`${name} is not a setting of Twinkeeper: write ${meant}.`];
    if (!/^TWINKEEPER_/i.test(name)) return [];
    const own = known.filter((each) => each.startsWith('TWINKEEPER_'));
    return [`${name} is not a setting of Twinkeeper. Its settings are ${own.join(', ')}.`];
  });
}
