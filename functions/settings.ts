import * as z from 'zod/mini';
import type { OverwriteLimit } from '../shared/guards/index.ts';
import { type HubAddress, type HubTier, hostOf, hubTiers } from '../shared/hub/index.ts';
import type { Mode } from '../shared/policy/index.ts';
import type { RetrySchedule } from '../shared/reconcile/index.ts';
import type { StorageAccount } from '../shared/storage/index.ts';

/** The app settings, read and checked. */
export interface Settings {
  readonly hub: HubAddress;
  readonly storage: StorageAccount;
  readonly mode: Mode;
  readonly retry: RetrySchedule;
  readonly sweep: {
    /** NCRONTAB. */
    readonly schedule: string;
    /** How long one invocation of the sweep may take before it leaves the rest to the next one. */
    readonly minutes: number;
  };
  /** The hub's edition and units, from which its throttles follow, and the part of them that is for Twinkeeper: above 0, at most 1. */
  readonly budget: { readonly tier: HubTier; readonly units: number; readonly share: number };
  /** For each policy, in an hour. */
  readonly maxOverwrites: OverwriteLimit;
  readonly retentionDays: number;
  /** NCRONTAB: when the history is counted. */
  readonly rollupSchedule: string;
}

/** Thrown when settings are missing or malformed: the app does not start. Its message names each setting and the way out. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(faults: readonly string[]) {
    super(`The app settings cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A connection string with certain parts, each of a certain form. Only their names are ever shown: values are secret. */
const connectionString = (parts: Readonly<Record<string, RegExp>>) =>
  z.string().check(
    z.refine(
      (text) => {
        // Keys and signatures hold `=` themselves.
        const given = new Map(text.split(';').map((part) => [part.split('=', 1)[0]?.trim().toLowerCase(), part]));
        return Object.entries(parts).every(([name, form]) => {
          const part = given.get(name.toLowerCase());
          return part !== undefined && form.test(part.slice(part.indexOf('=') + 1));
        });
      },
      `is no connection string with a valid ${Object.keys(parts).join(', ')}`,
    ),
  );

const hostForm = /^[A-Za-z0-9.-]+(:\d{1,5})?$/;
const keyForm = /^[A-Za-z0-9+/]+={0,2}$/;
const nameForm = /^\S+$/;

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

const text = (form: RegExp, must: string) => z.string().check(z.regex(form, must));

const host = () => text(hostForm, 'must be a host name such as my-hub.azure-devices.net, without https://');

/** One field of an NCRONTAB: `*`, `5`, `1-5`, `MON-FRI`, each also `/15`, and lists of them. What the numbers may be is the runtime's to say. */
const cronItem = String.raw`(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/\d+)?`;
const cronField = `${cronItem}(,${cronItem})*`;
const schedule = () =>
  text(
    new RegExp(`^\\s*(${cronField}\\s+){4,5}${cronField}\\s*$`),
    'must be an NCRONTAB of six fields, second first, such as 0 */15 * * * *',
  );

const share = () =>
  z.pipe(
    text(/^(0?\.\d*[1-9]\d*|1(\.0+)?)$/, 'must be a number above 0 and at most 1, such as 0.5'),
    z.transform((given: string) => Number(given)),
  );

const overwriteLimit = () =>
  z.pipe(
    text(
      /^([1-9]\d{0,8}|(?=.*[1-9])\d{1,5}(\.\d{1,4})?%)$/,
      "must be a whole number, 1 or more, or a percentage of a policy's devices, such as 20%",
    ),
    z.transform(
      (given: string): OverwriteLimit =>
        given.endsWith('%')
          ? { type: 'share', share: Number(given.slice(0, -1)) / 100 }
          : { type: 'count', count: Number(given) },
    ),
  );

/** What checks and reads a setting, made where it is given: most are not, and an app that starts has no time for those. */
type Schema<T> = () => z.ZodMiniType<T>;
const optional = <T>(schema: Schema<T>) => ({ schema, fallback: undefined });
const withDefault = <T>(fallback: T, schema: Schema<T>) => ({ schema, fallback });

/** Every setting, and what it is when it is not given. */
const known = {
  IOTHUB_HOSTNAME: optional(host),
  IOTHUB_CONNECTION_STRING: optional(() =>
    connectionString({ HostName: hostForm, SharedAccessKeyName: nameForm, SharedAccessKey: keyForm }),
  ),
  EventHubConnection: optional(() =>
    connectionString({
      Endpoint: /^sb:\/\/[A-Za-z0-9.-]+(:\d{1,5})?\/?$/,
      SharedAccessKeyName: nameForm,
      SharedAccessKey: keyForm,
    }),
  ),
  EventHubConnection__fullyQualifiedNamespace: optional(host),
  // "Event Hubs quotas": names of event hubs take 256 characters, those of consumer groups 50.
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
        connectionString({ AccountName: nameForm, AccountKey: keyForm }),
        connectionString({ SharedAccessSignature: nameForm, TableEndpoint: nameForm, QueueEndpoint: nameForm }),
      ],
      { error: 'is no storage connection string with AccountName and AccountKey, or with a SharedAccessSignature' },
    ),
  ),
  AzureWebJobsStorage__accountName: optional(() =>
    text(/^[a-z0-9]{3,24}$/, 'must be a storage account name: 3 to 24 lower-case letters and digits'),
  ),
  TWINKEEPER_MODE: withDefault<Mode>('enforce', () => z.enum(['enforce', 'audit'], 'must be enforce or audit')),
  TWINKEEPER_RETRY_DELAY: withDefault(30, () => wholeNumber()),
  TWINKEEPER_RETRY_ATTEMPTS: withDefault(10, () => wholeNumber()),
  TWINKEEPER_SWEEP_SCHEDULE: withDefault('0 */15 * * * *', schedule),
  // The runtime of a Consumption plan ends an invocation after ten minutes at the latest.
  TWINKEEPER_SWEEP_MINUTES: withDefault(4, () => wholeNumber(9)),
  TWINKEEPER_ROLLUP_SCHEDULE: withDefault('15 */5 * * * *', schedule),
  TWINKEEPER_RETENTION_DAYS: withDefault(400, () => wholeNumber(36_500)),
  TWINKEEPER_HUB_TIER: withDefault<HubTier>('S1', () => z.enum(hubTiers, `must be one of ${hubTiers.join(', ')}`)),
  TWINKEEPER_HUB_UNITS: withDefault(1, () => wholeNumber(200)),
  TWINKEEPER_BUDGET_SHARE: withDefault(0.5, share),
  TWINKEEPER_MAX_OVERWRITES_PER_HOUR: withDefault<OverwriteLimit>({ type: 'share', share: 0.2 }, overwriteLimit),
};

type Known = typeof known;
type Values = {
  readonly [Name in keyof Known]: z.output<ReturnType<Known[Name]['schema']>> | Known[Name]['fallback'];
};

/** Read by what is started beside the app, or meant for parts of it that this version does not have. */
const otherNames = /^TWINKEEPER_LOCAL_/;

/** Whether a value must not be shown. Connection strings and signatures get pasted into the wrong setting, and all of them hold a `=`. */
function maybeSecret(name: string, value: string): boolean {
  return /connection|storage$/i.test(name) || value.includes('=') || value.length > 64;
}

/** Settings of which one or the other must be there. */
const alternatives = [
  ['IOTHUB_HOSTNAME', 'IOTHUB_CONNECTION_STRING', 'it says which hub to keep'],
  ['EventHubConnection', 'EventHubConnection__fullyQualifiedNamespace', 'the hub routes its events there'],
  ['AzureWebJobsStorage', 'AzureWebJobsStorage__accountName', 'queues and tables are kept there'],
] as const;

/**
 * Reads the app settings from the environment.
 *
 * @throws {SettingsError} that names every setting that is missing or malformed. Secrets are never shown.
 */
export function readSettings(environment: Environment): Settings {
  // The portal leaves a setting that was cleared as an empty one.
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const faults: string[] = [];
  for (const [one, other, why] of alternatives) {
    if (given[one] === undefined && given[other] === undefined) faults.push(`${one} or ${other} is missing: ${why}.`);
  }
  // A misspelt TWINKEEPER_MODE would leave an app enforcing that was meant to audit.
  for (const name of Object.keys(given)) {
    if (!/^TWINKEEPER_/.test(name) || name in known || otherNames.test(name)) continue;
    const names = Object.keys(known).filter((key) => key.startsWith('TWINKEEPER_'));
    faults.push(`${name} is no setting of Twinkeeper: there are ${names.join(', ')}.`);
  }
  if (given.EVENTHUB_NAME === undefined) faults.push('EVENTHUB_NAME is missing.');
  const values = Object.entries(known).map(([name, { schema, fallback }]) => {
    const value = given[name];
    if (value === undefined) return [name, fallback];
    const { data, error } = schema().safeParse(value);
    for (const { message } of error?.issues ?? []) {
      faults.push(`${name} ${message}${maybeSecret(name, value) ? '' : `, but it is ${JSON.stringify(value)}`}.`);
    }
    return [name, data];
  });
  if (faults.length > 0) throw new SettingsError(faults);

  const settings = Object.fromEntries(values) as Values;
  const hub: HubAddress =
    settings.IOTHUB_HOSTNAME === undefined
      ? { connectionString: settings.IOTHUB_CONNECTION_STRING ?? '' }
      : { hostName: settings.IOTHUB_HOSTNAME };
  if (hostOf(hub).host === '') throw new SettingsError(['IOTHUB_CONNECTION_STRING names no host.']);
  return {
    hub,
    storage:
      settings.AzureWebJobsStorage__accountName === undefined
        ? { connectionString: settings.AzureWebJobsStorage ?? '' }
        : { accountName: settings.AzureWebJobsStorage__accountName },
    mode: settings.TWINKEEPER_MODE,
    retry: { firstDelay: settings.TWINKEEPER_RETRY_DELAY, attempts: settings.TWINKEEPER_RETRY_ATTEMPTS },
    sweep: { schedule: settings.TWINKEEPER_SWEEP_SCHEDULE.trim(), minutes: settings.TWINKEEPER_SWEEP_MINUTES },
    retentionDays: settings.TWINKEEPER_RETENTION_DAYS,
    rollupSchedule: settings.TWINKEEPER_ROLLUP_SCHEDULE.trim(),
    budget: {
      tier: settings.TWINKEEPER_HUB_TIER,
      units: settings.TWINKEEPER_HUB_UNITS,
      share: settings.TWINKEEPER_BUDGET_SHARE,
    },
    maxOverwrites: settings.TWINKEEPER_MAX_OVERWRITES_PER_HOUR,
  };
}
