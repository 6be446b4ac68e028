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

/** Each option, its value in the help text, its meaning, and the variable that it falls back to. */
const azureOptions = [
  ['hub', '<name>', 'Names the IoT hub.', 'IOTHUB_NAME'],
  ['hubResourceGroup', '<name>', 'Names the resource group of the hub.', 'IOTHUB_RESOURCE_GROUP'],
  ['subscription', '<id>', 'Sets the subscription.', 'AZURE_SUBSCRIPTION_ID'],
  ['resourceGroup', '<name>', 'Names the resource group of the deployment.', 'AZURE_RESOURCE_GROUP'],
  [
    'eventHubNamespace',
    '<host>',
    'Names the event hub namespace, such as example.servicebus.windows.net.',
    'EVENTHUB_FULLY_QUALIFIED_NAMESPACE',
  ],
  ['eventHub', '<name>', 'Names the event hub.', 'EVENTHUB_NAME'],
] as const;

type AzureOption = (typeof azureOptions)[number][0];

/** A paragraph for the help text of the commands that change or check an Azure deployment. */
export const azureHelp = `The command signs in as you: with "azd auth login" or "az login". After "azd up", the environment of azd has all values:
  $ set -a; . <(azd env get-values); set +a`;

/** Adds to a command the options that name the hub and the deployment in Azure. */
export function withAzureOptions(command: Command): Command {
  for (const [name, value, meaning, variable] of azureOptions) {
    command.option(`--${toKebab(name)} ${value}`, `${meaning} Without this option: ${variable}.`);
  }
  return command.option(
    '--resource-manager <url>',
    'Sets the address of Azure Resource Manager of another cloud, such as https://management.usgovcloudapi.net. Without this option: ' +
      'AZURE_RESOURCE_MANAGER, or the public cloud.',
  );
}

/**
 * Opens the hub that the options name, or else the environment.
 * @throws An Error whose message names all missing options.
 */
export async function azureHubOf(options: AzureOptions): ReturnType<typeof openHub> {
  const { hub, hubResourceGroup, subscription } = required(options, ['hub', 'hubResourceGroup', 'subscription']);
  const resourceManager = options.resourceManager ?? (process.env.AZURE_RESOURCE_MANAGER || undefined);
  if (resourceManager !== undefined && !/^https:/.test(resourceManager)) {
    throw new Error(`--resource-manager (AZURE_RESOURCE_MANAGER) must be an https address, not ${resourceManager}.`);
  }
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
 * The event hub that the options name, or else the environment.
 * @throws An Error whose message names all missing options.
 */
export function eventHubOf(options: AzureOptions): EventHubTarget {
  const values = required(options, ['subscription', 'resourceGroup', 'eventHubNamespace', 'eventHub']);
  const host = values.eventHubNamespace.replace(/^sb:\/\//, '').replace(/\/$/, '');
  return {
    subscriptionId: values.subscription,
    resourceGroup: values.resourceGroup,
    host: host.includes('.') ? host : `${host}.servicebus.windows.net`,
    eventHub: values.eventHub,
  };
}

function required<Name extends AzureOption>(
  options: AzureOptions,
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  const found = azureOptions.flatMap(([name, , , variable]) => {
    const value = options[name] ?? process.env[variable];
    return names.includes(name as Name) ? [{ name, variable, value }] : [];
  });
  const missing = found.filter(({ value }) => !value).map(({ name, variable }) => `--${toKebab(name)} (${variable})`);
  if (missing.length > 0) throw new Error(`Missing: ${missing.join(', ')}. Give the options, or set the variables.`);
  return Object.fromEntries(found.map(({ name, value }) => [name, value])) as Readonly<Record<Name, string>>;
}

function toKebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
