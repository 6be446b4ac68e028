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

/** A connection string is shown by the names in it only: their values are secret. */
const connectionString = (parts: readonly string[]) =>
  z
    .string()
    .check(
      z.refine(
        (text) => parts.every((part) => new RegExp(`(^|;)\\s*${part}=[^;]+`, 'i').test(text)),
        `is no connection string with ${parts.join(', ')}`,
      ),
    );

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
  .check(z.regex(/^[A-Za-z0-9.-]+(:\d+)?$/, 'must be a host name such as my-hub.azure-devices.net, without https://'));

/** Every setting that can be checked by itself. */
const schema = z.object({
  IOTHUB_HOSTNAME: z.optional(host),
  IOTHUB_CONNECTION_STRING: z.optional(connectionString(['HostName', 'SharedAccessKeyName', 'SharedAccessKey'])),
  EventHubConnection: z.optional(connectionString(['Endpoint'])),
  EventHubConnection__fullyQualifiedNamespace: z.optional(host),
  EVENTHUB_NAME: z.string(),
  AzureWebJobsStorage: z.optional(
    z.union([z.literal('UseDevelopmentStorage=true'), connectionString(['AccountName', 'AccountKey'])], {
      error: 'is no storage connection string with AccountName, AccountKey',
    }),
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
