import * as z from 'zod/mini';
import type { BlastRadius } from '../shared/guards/index.ts';
import { type HubAddress, type HubTier, hostOf, hubTiers } from '../shared/hub/index.ts';
import type { Mode } from '../shared/policy/index.ts';
import type { RetrySchedule } from '../shared/reconcile/index.ts';
import type { StorageAccount } from '../shared/storage/index.ts';
import { isNcrontab } from './ncrontab.ts';

/** The app settings after `readSettings` has checked them. */
export interface Settings {
  readonly hub: HubAddress;
  readonly storage: StorageAccount;
  readonly mode: Mode;
  readonly retry: RetrySchedule;
  readonly sweep: {
    /** When the timer starts a sweep, as an NCRONTAB expression. */
    readonly schedule: string;
    /** Minutes that one invocation of the sweep may take. The next invocation continues the sweep. */
    readonly minutes: number;
  };
  /**
   * The call budget of the hub. The hub's tier and units determine the hub's throttle limits. `share` is the part of those limits that
   * Twinkeeper may use: above 0, at most 1.
   */
  readonly budget: { readonly tier: HubTier; readonly units: number; readonly share: number };
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
}

/** One fault of the app settings. */
export interface SettingFault {
  /** A sentence that names the setting and says what its value must be. The sentence does not contain the value. */
  readonly message: string;
  /** The wrong value, for the log. `undefined` when there is no value, or when the value may be a secret. */
  readonly value?: string;
}

/**
 * Thrown when settings are missing or malformed. The message lists every wrong setting, what its value must be, and the value, unless it may
 * be a secret.
 */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly SettingFault[];

  constructor(faults: readonly SettingFault[]) {
    const lines = faults.map(
      ({ message, value }) => `  ${message}${value === undefined ? '' : ` The value is ${JSON.stringify(value)}.`}`,
    );
    super(`The app settings cannot be used:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes a schema for a connection string. Each named part must be present, and its value must match the pattern. The error message shows
 * only the names of the parts, because their values are secret.
 */
const connectionString = (parts: Readonly<Record<string, RegExp>>) =>
  z.string().check(
    z.refine(
      (text) => {
        // The first `=` of a part ends the name. Further `=` belong to the value, because keys and signatures contain `=`.
        const found = new Map(text.split(';').map((part) => [part.split('=', 1)[0]?.trim().toLowerCase(), part]));
        return Object.entries(parts).every(([name, pattern]) => {
          const part = found.get(name.toLowerCase());
          return part !== undefined && pattern.test(part.slice(part.indexOf('=') + 1));
        });
      },
      `must be a connection string with a valid ${Object.keys(parts).join(', ')}`,
    ),
  );

const hostPattern = /^[A-Za-z0-9.-]+(:\d{1,5})?$/;
const keyPattern = /^[A-Za-z0-9+/]+={0,2}$/;
const namePattern = /^\S+$/;

const wholeNumber = (most?: number) => {
  const must = `must be a whole number, ${most === undefined ? '1 or more' : `1 to ${most}`}`;
  return z.pipe(
    z.string().check(
      z.regex(/^[1-9]\d{0,8}$/, { error: must, abort: true }),
      z.refine((text) => Number(text) <= (most ?? Number.POSITIVE_INFINITY), must),
    ),
    z.transform((text: string) => Number(text)),
  );
};

const wholeNumberOrZero = () =>
  z.pipe(
    text(/^(0|[1-9]\d{0,4})$/, 'must be a whole number, 0 to 99999'),
    z.transform((given: string) => Number(given)),
  );

const text = (pattern: RegExp, must: string) => z.string().check(z.regex(pattern, must));

const host = () => text(hostPattern, 'must be a host name such as my-hub.azure-devices.net, without https://');

const schedule = () =>
  z
    .string()
    .check(z.refine(isNcrontab, 'must be an NCRONTAB expression of six fields, seconds first, such as 0 */15 * * * *'));

const share = () =>
  z.pipe(
    text(/^(0?\.\d*[1-9]\d*|1(\.0+)?)$/, 'must be a number above 0 and at most 1, such as 0.5'),
    z.transform((given: string) => Number(given)),
  );

const blastRadius = () =>
  z.pipe(
    text(
      /^([1-9]\d{0,8}|(?=.*[1-9])\d{1,5}(\.\d{1,4})?%)$/,
      "must be a number of twins, 1 or more, or a percentage of a policy's devices, such as 20%",
    ),
    z.transform(
      (given: string): BlastRadius =>
        given.endsWith('%')
          ? { type: 'share', share: Number(given.slice(0, -1)) / 100 }
          : { type: 'count', count: Number(given) },
    ),
  );

/**
 * A function that creates the schema of a setting. It is called only when the environment has the setting. Most settings are not given, and
 * this saves 3 ms of CPU time of the 55 ms that a start takes.
 */
type Schema<T> = () => z.ZodMiniType<T>;
const optional = <T>(schema: Schema<T>) => ({ schema, fallback: undefined });
const withDefault = <T>(fallback: T, schema: Schema<T>) => ({ schema, fallback });

/** All settings by name. `schema` checks the value, and `fallback` is the default when the setting is missing. */
const settingSchemas = {
  IOTHUB_HOSTNAME: optional(host),
  IOTHUB_CONNECTION_STRING: optional(() =>
    connectionString({ HostName: hostPattern, SharedAccessKeyName: namePattern, SharedAccessKey: keyPattern }),
  ),
  EventHubConnection: optional(() =>
    connectionString({
      Endpoint: /^sb:\/\/[A-Za-z0-9.-]+(:\d{1,5})?\/?$/,
      SharedAccessKeyName: namePattern,
      SharedAccessKey: keyPattern,
    }),
  ),
  EventHubConnection__fullyQualifiedNamespace: optional(host),
  // Limits from Azure's page "Event Hubs quotas": an event hub's name has at most 256 characters, a consumer group's name at most 50.
  EVENTHUB_NAME: optional(() =>
    text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/, 'must be the name of an event hub: letters, digits and . _ -'),
  ),
  EVENTHUB_CONSUMER_GROUP: optional(() =>
    text(/^\$?[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'must be the name of a consumer group: letters, digits and . _ -'),
  ),
  AzureWebJobsStorage: optional(() =>
    z.union(
      [
        z.literal('UseDevelopmentStorage=true'),
        connectionString({ AccountName: namePattern, AccountKey: keyPattern }),
        connectionString({
          SharedAccessSignature: namePattern,
          TableEndpoint: namePattern,
          QueueEndpoint: namePattern,
        }),
      ],
      { error: 'must be a storage connection string with AccountName and AccountKey, or with a SharedAccessSignature' },
    ),
  ),
  AzureWebJobsStorage__accountName: optional(() =>
    text(/^[a-z0-9]{3,24}$/, 'must be a storage account name: 3 to 24 lower-case letters and digits'),
  ),
  TWINKEEPER_MODE: withDefault<Mode>('enforce', () => z.enum(['enforce', 'audit'], 'must be enforce or audit')),
  TWINKEEPER_RETRY_DELAY: withDefault(30, () => wholeNumber()),
  TWINKEEPER_RETRY_ATTEMPTS: withDefault(10, () => wholeNumber()),
  TWINKEEPER_SWEEP_SCHEDULE: withDefault('0 */15 * * * *', schedule),
  // The Consumption plan ends an invocation after ten minutes, so the sweep may take at most nine.
  TWINKEEPER_SWEEP_MINUTES: withDefault(4, () => wholeNumber(9)),
  TWINKEEPER_ROLLUP_SCHEDULE: withDefault('15 */5 * * * *', schedule),
  TWINKEEPER_RETENTION_DAYS: withDefault(400, () => wholeNumber(36_500)),
  TWINKEEPER_SETTLE_SECONDS: withDefault(60, wholeNumberOrZero),
  TWINKEEPER_HUB_TIER: withDefault<HubTier>('S1', () => z.enum(hubTiers, `must be one of ${hubTiers.join(', ')}`)),
  TWINKEEPER_HUB_UNITS: withDefault(1, () => wholeNumber(200)),
  TWINKEEPER_BUDGET_SHARE: withDefault(0.5, share),
  TWINKEEPER_BLAST_RADIUS: withDefault<BlastRadius>({ type: 'share', share: 0.2 }, blastRadius),
};

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
 * Whether an error message must hide the value of a setting. People paste connection strings and signatures into the wrong setting. Those
 * texts contain `=`.
 */
function maybeSecret(name: string, value: string): boolean {
  return /connection|storage$/i.test(name) || value.includes('=') || value.length > 64;
}

/** Pairs of settings. One of the two must be given, for the reason in the third entry. */
const alternatives = [
  ['IOTHUB_HOSTNAME', 'IOTHUB_CONNECTION_STRING', 'it names the IoT hub'],
  [
    'EventHubConnection',
    'EventHubConnection__fullyQualifiedNamespace',
    'the hub routes its events to this event hub namespace',
  ],
  ['AzureWebJobsStorage', 'AzureWebJobsStorage__accountName', 'this storage account holds the queues and tables'],
] as const;

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
  for (const [first, second, why] of alternatives) {
    if (given[first] === undefined && given[second] === undefined) {
      faults.push({ message: `${first} or ${second} is missing: ${why}.` });
    }
  }
  // Unknown names are refused. Otherwise an app with a misspelt `TWINKEEPER_MODE` would enforce where it should only audit.
  for (const name of Object.keys(given)) {
    if (!/^TWINKEEPER_/.test(name) || name in settingSchemas || localNames.test(name)) continue;
    const replacement = replacedSettings.get(name);
    if (replacement !== undefined) {
      faults.push({ message: `${name} does not exist any more: ${replacement}` });
      continue;
    }
    const names = Object.keys(settingSchemas).filter((key) => key.startsWith('TWINKEEPER_'));
    faults.push({ message: `${name} is not a setting of Twinkeeper. Its settings are ${names.join(', ')}.` });
  }
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
      : { hostName: settings.IOTHUB_HOSTNAME };
  if (hostOf(hub).host === '')
    throw new SettingsError([{ message: 'IOTHUB_CONNECTION_STRING has no host in its HostName.' }]);
  return {
    hub,
    storage:
      settings.AzureWebJobsStorage__accountName === undefined
        ? { connectionString: settings.AzureWebJobsStorage ?? '' }
        : { accountName: settings.AzureWebJobsStorage__accountName },
    mode: settings.TWINKEEPER_MODE,
    retry: { firstDelay: settings.TWINKEEPER_RETRY_DELAY, attempts: settings.TWINKEEPER_RETRY_ATTEMPTS },
    sweep: { schedule: settings.TWINKEEPER_SWEEP_SCHEDULE.trim(), minutes: settings.TWINKEEPER_SWEEP_MINUTES },
    settleSeconds: settings.TWINKEEPER_SETTLE_SECONDS,
    retentionDays: settings.TWINKEEPER_RETENTION_DAYS,
    rollupSchedule: settings.TWINKEEPER_ROLLUP_SCHEDULE.trim(),
    budget: {
      tier: settings.TWINKEEPER_HUB_TIER,
      units: settings.TWINKEEPER_HUB_UNITS,
      share: settings.TWINKEEPER_BUDGET_SHARE,
    },
    blastRadius: settings.TWINKEEPER_BLAST_RADIUS,
  };
}
