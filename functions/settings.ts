import * as z from 'zod/mini';
import type { StorageAccount } from '../shared/drift/index.ts';
import { type HubAddress, hostOf } from '../shared/hub/index.ts';
import type { Mode } from '../shared/policy/index.ts';
import type { RetrySchedule } from '../shared/reconcile/index.ts';

/** The app settings, read and checked. */
export interface Settings {
  readonly hub: HubAddress;
  readonly storage: StorageAccount;
  readonly mode: Mode;
  readonly retry: RetrySchedule;
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

const wholeNumber = (fallback: number) =>
  z._default(
    z.pipe(
      z.string().check(z.regex(/^[1-9]\d{0,8}$/, 'must be a whole number, 1 or more')),
      z.transform((text: string) => Number(text)),
    ),
    fallback,
  );

const host = z
  .string()
  .check(z.regex(hostForm, 'must be a host name such as my-hub.azure-devices.net, without https://'));

/** Every setting that can be checked by itself. */
const schema = z.object({
  IOTHUB_HOSTNAME: z.optional(host),
  IOTHUB_CONNECTION_STRING: z.optional(
    connectionString({ HostName: hostForm, SharedAccessKeyName: nameForm, SharedAccessKey: keyForm }),
  ),
  EventHubConnection: z.optional(
    connectionString({
      Endpoint: /^sb:\/\/[A-Za-z0-9.-]+(:\d{1,5})?\/?$/,
      SharedAccessKeyName: nameForm,
      SharedAccessKey: keyForm,
    }),
  ),
  EventHubConnection__fullyQualifiedNamespace: z.optional(host),
  // "Event Hubs quotas": names of event hubs take 256 characters, those of consumer groups 50.
  EVENTHUB_NAME: z
    .string()
    .check(
      z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/, 'must be the name of an event hub: letters, digits and . _ -'),
    ),
  EVENTHUB_CONSUMER_GROUP: z.optional(
    z
      .string()
      .check(
        z.regex(
          /^\$?[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/,
          'must be the name of a consumer group: letters, digits and . _ -',
        ),
      ),
  ),
  AzureWebJobsStorage: z.optional(
    z.union(
      [
        z.literal('UseDevelopmentStorage=true'),
        connectionString({ AccountName: nameForm, AccountKey: keyForm }),
        connectionString({ SharedAccessSignature: nameForm, TableEndpoint: nameForm, QueueEndpoint: nameForm }),
      ],
      { error: 'is no storage connection string with AccountName and AccountKey, or with a SharedAccessSignature' },
    ),
  ),
  AzureWebJobsStorage__accountName: z.optional(
    z
      .string()
      .check(z.regex(/^[a-z0-9]{3,24}$/, 'must be a storage account name: 3 to 24 lower-case letters and digits')),
  ),
  TWINKEEPER_MODE: z._default(z.enum(['enforce', 'audit'], 'must be enforce or audit'), 'enforce'),
  TWINKEEPER_RETRY_DELAY: wholeNumber(30),
  TWINKEEPER_RETRY_ATTEMPTS: wholeNumber(10),
});

/** Read by what is started beside the app, or meant for parts of it that this version does not have. */
const otherNames = /^TWINKEEPER_(LOCAL_|SWEEP_|HUB_|BUDGET_|MAX_OVERWRITES_|RETENTION_)/;

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
    if (!/^TWINKEEPER_/.test(name) || name in schema.shape || otherNames.test(name)) continue;
    const known = Object.keys(schema.shape).filter((key) => key.startsWith('TWINKEEPER_'));
    faults.push(`${name} is no setting of Twinkeeper: there are ${known.join(', ')}.`);
  }
  const result = schema.safeParse(given);
  if (!result.success) {
    for (const { path, message } of result.error.issues) {
      const name = String(path[0]);
      const value = given[name];
      faults.push(
        value === undefined
          ? `${name} is missing.`
          : `${name} ${message}${maybeSecret(name, value) ? '' : `, but it is ${JSON.stringify(value)}`}.`,
      );
    }
  }
  if (faults.length > 0 || !result.success) throw new SettingsError(faults);

  const settings = result.data;
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
  };
}
