import type { Command } from 'commander';
import type { EventHubTarget, openHub } from '../arm/index.ts';

/** Command line options that name the hub as a resource of Azure, and the event hub of the deployment. */
export interface AzureOptions {
  readonly hub?: string;
  readonly hubResourceGroup?: string;
  readonly subscription?: string;
  readonly resourceGroup?: string;
  readonly eventHubNamespace?: string;
  readonly eventHub?: string;
  readonly resourceManager?: string;
}

/** A command line option that falls back to an environment variable. */
export interface VariableOption<Name extends string> {
  readonly name: Name;
  /** The value in the help text, such as `<name>`. */
  readonly value: string;
  /** What the option does, as a sentence of the help text. */
  readonly meaning: string;
  readonly variable: string;
}

type AzureOption = Exclude<keyof AzureOptions, 'resourceManager'>;

/** The options of the commands that change or check an Azure deployment, apart from `--resource-manager`. */
export const azureOptions: readonly VariableOption<AzureOption>[] = [
  { name: 'hub', value: '<name>', meaning: 'Names the IoT hub.', variable: 'IOTHUB_NAME' },
  {
    name: 'hubResourceGroup',
    value: '<name>',
    meaning: 'Names the resource group of the hub.',
    variable: 'IOTHUB_RESOURCE_GROUP',
  },
  { name: 'subscription', value: '<id>', meaning: 'Sets the subscription.', variable: 'AZURE_SUBSCRIPTION_ID' },
  {
    name: 'resourceGroup',
    value: '<name>',
    meaning: 'Names the resource group of the deployment.',
    variable: 'AZURE_RESOURCE_GROUP',
  },
  {
    name: 'eventHubNamespace',
    value: '<host>',
    meaning: 'Names the event hub namespace, such as example.servicebus.windows.net.',
    variable: 'EVENTHUB_FULLY_QUALIFIED_NAMESPACE',
  },
  { name: 'eventHub', value: '<name>', meaning: 'Names the event hub.', variable: 'EVENTHUB_NAME' },
];

/** A paragraph for the help text of the commands that change or check an Azure deployment. */
export const azureHelp = `The command signs in as you: with "azd auth login" or "az login". After "azd up", the environment of azd has all values:
  $ set -a; . <(azd env get-values); set +a`;

/** Adds to a command the options that name the hub and the deployment in Azure. */
export function withAzureOptions(command: Command): Command {
  addVariableOptions(command, azureOptions);
  return command.option(
    '--resource-manager <url>',
    'Sets the address of Azure Resource Manager of another cloud, such as https://management.usgovcloudapi.net. Without this option: ' +
      'AZURE_RESOURCE_MANAGER, or the public cloud.',
  );
}

/** Adds options that fall back to environment variables. */
export function addVariableOptions(command: Command, options: readonly VariableOption<string>[]): void {
  for (const { name, value, meaning, variable } of options) {
    command.option(`--${toKebab(name)} ${value}`, `${meaning} Without this option: ${variable}.`);
  }
}

/**
 * Opens the hub that the options name, or else the environment.
 * @throws An Error whose message names all missing options.
 */
export async function azureHubOf(options: AzureOptions): ReturnType<typeof openHub> {
  const names = ['hub', 'hubResourceGroup', 'subscription'] as const;
  const { hub, hubResourceGroup, subscription } = valuesOf(options, azureOptions, names);
  const resourceManager = resourceManagerOf(options);
  const [{ openHub: open }, { DefaultAzureCredential }] = await Promise.all([
    import('../arm/index.ts'),
    import('@azure/identity'),
  ]);
  return open({
    name: hub,
    resourceGroup: hubResourceGroup,
    subscriptionId: subscription,
    credential: new DefaultAzureCredential(),
    ...(resourceManager === undefined ? {} : { resourceManager }),
  });
}

/**
 * The address of Azure Resource Manager that the options name, or else the environment. `undefined`: that of the public cloud.
 * @throws An Error when it is not an https address.
 */
export function resourceManagerOf(options: AzureOptions): string | undefined {
  const resourceManager = options.resourceManager ?? (process.env.AZURE_RESOURCE_MANAGER || undefined);
  if (resourceManager === undefined || /^https:/.test(resourceManager)) return resourceManager;
  throw new Error(`--resource-manager (AZURE_RESOURCE_MANAGER) must be an https address, not ${resourceManager}.`);
}

/**
 * The event hub that the options name, or else the environment.
 * @throws An Error whose message names all missing options.
 */
export function eventHubOf(options: AzureOptions): EventHubTarget {
  const names = ['subscription', 'resourceGroup', 'eventHubNamespace', 'eventHub'] as const;
  const values = valuesOf(options, azureOptions, names);
  return {
    subscriptionId: values.subscription,
    resourceGroup: values.resourceGroup,
    host: namespaceHost(values.eventHubNamespace),
    eventHub: values.eventHub,
  };
}

/** The event hub that the options name, or else the environment. `undefined` when neither does. */
export function namedEventHub(options: AzureOptions): Pick<EventHubTarget, 'host' | 'eventHub'> | undefined {
  const namespace = options.eventHubNamespace ?? process.env.EVENTHUB_FULLY_QUALIFIED_NAMESPACE;
  const eventHub = options.eventHub ?? process.env.EVENTHUB_NAME;
  return namespace && eventHub ? { host: namespaceHost(namespace), eventHub } : undefined;
}

/** The host name of an event hub namespace. A name without a dot is one of the public cloud. */
export function namespaceHost(namespace: string): string {
  const host = namespace.replace(/^sb:\/\//, '').replace(/\/$/, '');
  return host.includes('.') ? host : `${host}.servicebus.windows.net`;
}

/**
 * The values of options, or else of the variables that they fall back to.
 * @param table the options with their variables
 * @param names the options to read
 * @throws An Error whose message names all missing options.
 */
export function valuesOf<Name extends string>(
  options: Readonly<Partial<Record<Name, string>>>,
  table: readonly VariableOption<string>[],
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  const found = names.map((name) => {
    const variable = table.find((option) => option.name === name)?.variable ?? '';
    return { name, variable, value: options[name] ?? process.env[variable] };
  });
  const missing = found.filter(({ value }) => !value).map(({ name, variable }) => `--${toKebab(name)} (${variable})`);
  if (missing.length > 0) throw new Error(`Missing: ${missing.join(', ')}. Give the options, or set the variables.`);
  return Object.fromEntries(found.map(({ name, value }) => [name, value])) as Readonly<Record<Name, string>>;
}

function toKebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
