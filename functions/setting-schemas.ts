import * as z from 'zod/mini';
import type { BlastRadius } from '../shared/guards/index.ts';
import { type HubTier, hubTiers } from '../shared/hub/index.ts';
import type { Mode } from '../shared/policy/index.ts';
import { isNcrontab } from './ncrontab.ts';

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

const host = () =>
  z
    .string()
    .check(
      z.refine(
        (given) => hostPattern.test(given) && URL.canParse(`https://${given}`),
        'must be a host name such as my-hub.azure-devices.net, without https://',
      ),
    );

const credential = () => z.literal('managedidentity', 'must be managedidentity');

const clientId = () =>
  text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be the client id of a managed identity');

const serviceUri = (service: string) =>
  text(
    /^https:\/\/[A-Za-z0-9.-]+(:\d{1,5})?(\/[A-Za-z0-9-]+)?\/?$/,
    `must be the address of the ${service} service, such as https://account.${service}.core.windows.net`,
  );

const tier = () =>
  z.pipe(
    z.string().check(
      z.refine((given) => !/^B[123]$/.test(given), {
        error:
          'is a basic tier. Hubs of the basic tiers have no twins, so Twinkeeper cannot keep them. Move the hub to a standard tier',
        abort: true,
      }),
    ),
    z.enum(hubTiers, `must be one of ${hubTiers.join(', ')}`),
  );

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
export const settingSchemas = {
  IOTHUB_HOSTNAME: optional(host),
  IOTHUB__credential: optional(credential),
  IOTHUB__clientId: optional(clientId),
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
  EventHubConnection__credential: optional(credential),
  EventHubConnection__clientId: optional(clientId),
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
  AzureWebJobsStorage__blobServiceUri: optional(() => serviceUri('blob')),
  AzureWebJobsStorage__queueServiceUri: optional(() => serviceUri('queue')),
  AzureWebJobsStorage__tableServiceUri: optional(() => serviceUri('table')),
  AzureWebJobsStorage__credential: optional(credential),
  AzureWebJobsStorage__clientId: optional(clientId),
  AzureWebJobsStorage__accountName: optional(() =>
    text(/^[a-z0-9]{3,24}$/, 'must be a storage account name: 3 to 24 lower-case letters and digits'),
  ),
  TWINKEEPER_MODE: withDefault<Mode>('enforce', () => z.enum(['enforce', 'audit'], 'must be enforce or audit')),
  TWINKEEPER_OPERATORS: withDefault<'keys' | 'entra'>('keys', () => z.enum(['keys', 'entra'], 'must be keys or entra')),
  TWINKEEPER_RETRY_DELAY: withDefault(30, () => wholeNumber()),
  TWINKEEPER_RETRY_ATTEMPTS: withDefault(10, () => wholeNumber()),
  TWINKEEPER_SWEEP_SCHEDULE: withDefault('0 */15 * * * *', schedule),
  // The Consumption plan ends an invocation after ten minutes, so the sweep may take at most nine.
  TWINKEEPER_SWEEP_MINUTES: withDefault(4, () => wholeNumber(9)),
  TWINKEEPER_WALK_HOURS: withDefault(24, wholeNumberOrZero),
  TWINKEEPER_FULL_LOOK_DAYS: withDefault(7, wholeNumberOrZero),
  TWINKEEPER_ROLLUP_SCHEDULE: withDefault('15 */5 * * * *', schedule),
  // The runs after the first one of a day do what it could not, for example because storage did not answer.
  TWINKEEPER_SEAL_SCHEDULE: withDefault('0 20 0-5 * * *', schedule),
  TWINKEEPER_RETENTION_DAYS: withDefault(400, () => wholeNumber(36_500)),
  TWINKEEPER_SETTLE_SECONDS: withDefault(60, wholeNumberOrZero),
  TWINKEEPER_HUB_TIER: withDefault<HubTier>('S1', tier),
  TWINKEEPER_HUB_UNITS: withDefault(1, () => wholeNumber(200)),
  TWINKEEPER_BUDGET_SHARE: withDefault(0.5, share),
  TWINKEEPER_MESSAGE_SHARE: withDefault(0.1, share),
  TWINKEEPER_WALK: withDefault<'export' | 'query'>('export', () =>
    z.enum(['export', 'query'], 'must be export or query'),
  ),
  TWINKEEPER_BACKFILL: withDefault<'import' | 'bulk'>('import', () =>
    z.enum(['import', 'bulk'], 'must be import or bulk'),
  ),
  TWINKEEPER_BLAST_RADIUS: withDefault<BlastRadius>({ type: 'share', share: 0.2 }, blastRadius),
};
