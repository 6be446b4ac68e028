import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readSettings, type Settings } from '../../../functions/settings.ts';
import { type HubAddress, hubTiers } from '../../../shared/hub/index.ts';

/** Command line options that name the hub, and the hub's edition, units and share for the call budget. */
export interface HubOptions {
  readonly hub?: string;
  readonly endpoints?: string;
  readonly tier?: string;
  readonly units?: string;
  readonly share?: string;
}

/** The hub that a command uses, the budget for its hub calls, and the blast radius of the app. */
export interface ChosenHub extends Pick<Settings, 'budget' | 'blastRadius'> {
  readonly address: HubAddress;
  /** A certificate authority that is trusted in addition to those of Node, as PEM text. Absent for a hub in Azure. */
  readonly ca?: string;
}

/** Adds to a command the options that name the hub and its call budget. */
export function withHubOptions(command: Command): Command {
  return command
    .option(
      '--hub <connection-string>',
      'Names the hub. Without this option: IOTHUB_HOSTNAME with your own identity, or IOTHUB_CONNECTION_STRING.',
    )
    .option('--endpoints <file>', 'Uses a file that "twinkeeper local --endpoints <file>" wrote.')
    .addOption(
      new Option(
        '--tier <tier>',
        'Sets the edition of the hub. Without this option: TWINKEEPER_HUB_TIER, or S1.',
      ).choices([...hubTiers]),
    )
    .option(
      '--units <n>',
      'Sets the units of the hub. Without this option: TWINKEEPER_HUB_UNITS, or 1.',
      like(/^[1-9]\d{0,2}$/, '1 to 200'),
    )
    .option(
      '--share <share>',
      "Sets the share of the hub's throttles to use. Without this option: TWINKEEPER_BUDGET_SHARE, or 0.5.",
      like(/^(0?\.\d*[1-9]\d*|1(\.0+)?)$/, 'above 0 and at most 1, such as 0.5'),
    );
}

/** Settings of the call budget that `twinkeeper local` gives to its app. */
const localBudget = { TWINKEEPER_HUB_TIER: 'S3', TWINKEEPER_HUB_UNITS: '10', TWINKEEPER_BUDGET_SHARE: '1' };

/** Names of settings that change a forecast and that are read from the environment. */
const limitSettings = [
  ...Object.keys(localBudget),
  'TWINKEEPER_MESSAGE_SHARE',
  'TWINKEEPER_BLAST_RADIUS',
  // The old name is read too, so that `readSettings` refuses it.
  'TWINKEEPER_MAX_OVERWRITES_PER_HOUR',
];

/** Placeholders for settings that `readSettings` requires and that commands do not use. */
const unusedSettings = {
  EventHubConnection__fullyQualifiedNamespace: 'none',
  EVENTHUB_NAME: 'none',
  AzureWebJobsStorage__accountName: 'none',
};

/**
 * The hub that the options name, or else the environment, with the call budget and the blast radius of the app.
 * @throws An Error whose message is one line and says what to do, when no hub is named or a value is malformed. The message has no
 * connection string.
 */
export async function hubOf(options: HubOptions): Promise<ChosenHub> {
  const { env } = process;
  const { ca, local = {}, ...given } = await addressSettings(options);
  const settings = readSettings({
    ...unusedSettings,
    ...(options.endpoints === undefined ? {} : localBudget),
    ...local,
    ...pick(env, limitSettings),
    ...pick({ TWINKEEPER_HUB_TIER: options.tier, TWINKEEPER_HUB_UNITS: options.units }),
    ...pick({ TWINKEEPER_BUDGET_SHARE: options.share }),
    ...given,
  });
  const { hub: address, budget, blastRadius } = settings;
  return { address, budget, blastRadius, ...(ca === undefined ? {} : { ca }) };
}

interface AddressSettings {
  readonly IOTHUB_HOSTNAME?: string;
  readonly IOTHUB_CONNECTION_STRING?: string;
  readonly ca?: string;
  /** App settings of the local system, read from the endpoints file. */
  readonly local?: Readonly<Record<string, string>>;
}

async function addressSettings({ hub, endpoints }: HubOptions): Promise<AddressSettings> {
  if (hub !== undefined) return { IOTHUB_CONNECTION_STRING: checked(hub, '--hub') };
  if (endpoints !== undefined) return fromEndpoints(endpoints);
  const given = pick(process.env, ['IOTHUB_HOSTNAME', 'IOTHUB_CONNECTION_STRING']);
  if (Object.keys(given).length > 0) return given;
  throw new Error('No hub: give --hub or --endpoints, or set IOTHUB_HOSTNAME or IOTHUB_CONNECTION_STRING.');
}

async function fromEndpoints(file: string): Promise<AddressSettings> {
  const { iotHubConnectionString, caFile, blastRadius } = parse(await readFile(file, 'utf8'), file) ?? {};
  if (typeof iotHubConnectionString !== 'string' || typeof caFile !== 'string') {
    throw new Error(`${file} has no iotHubConnectionString and caFile: is it from "twinkeeper local --endpoints"?`);
  }
  const address = checked(iotHubConnectionString, `The iotHubConnectionString of ${file}`);
  return {
    IOTHUB_CONNECTION_STRING: address,
    ca: await readFile(caFile, 'utf8'),
    local: typeof blastRadius === 'number' ? { TWINKEEPER_BLAST_RADIUS: String(blastRadius) } : {},
  };
}

function parse(text: string, file: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the JSON parser is not shown: it could quote a key.
    throw new Error(`${file} is not valid JSON: is it from "twinkeeper local --endpoints"?`);
  }
}

function checked(connectionString: string, source: string): string {
  const parts = ['HostName=[A-Za-z0-9.:-]+', 'SharedAccessKeyName=\\S+', 'SharedAccessKey=[A-Za-z0-9+/]+={0,2}'];
  if (parts.every((part) => new RegExp(`(^|;)${part}(;|$)`, 'i').test(connectionString))) return connectionString;
  throw new Error(
    `${source} is not a connection string of a hub: it must look like ` +
      'HostName=my-hub.azure-devices.net;SharedAccessKeyName=…;SharedAccessKey=…',
  );
}

/**
 * Returns those of the named settings that have a value. The Azure portal and shells can keep a removed setting as an empty text, so an
 * empty setting counts as absent.
 */
function pick(
  settings: Readonly<Record<string, string | undefined>>,
  names: readonly string[] = Object.keys(settings),
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = settings[name];
      return value === undefined || value === '' ? [] : [[name, value] as const];
    }),
  );
}

function like(form: RegExp, what: string): (text: string) => string {
  return (text) => {
    if (!form.test(text)) throw new InvalidArgumentError(`It must be a number, ${what}.`);
    return text;
  };
}
