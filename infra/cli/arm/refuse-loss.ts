import type { IotHubDescription } from '@azure/arm-iothub';
import { az } from '../az-command.ts';
import { type Change, endpointName } from './connect-routing.ts';

/**
 * Refuses a write that would lose settings of the hub.
 *
 * @param next the hub as it would be written
 * @param changes what the write would change
 * @param lost the paths of the settings that the write would lose
 * @throws An Error with the commands of the Azure CLI that make the same changes.
 */
export function refuseLoss(next: IotHubDescription, changes: readonly Change[], lost: readonly string[]): void {
  const { name = '' } = next;
  const isNewGeneration = next.sku.name.toUpperCase() === 'GEN2';
  if (lost.length === 0 && !isNewGeneration) return;
  const why = isNewGeneration
    ? 'is of the new generation, which this command does not know'
    : `has settings that this command does not know and would lose: ${lost.join(', ')}`;
  const commands = [...changes.map((change) => commandOf(name, next, change)), ...laterCommands(name, next, changes)];
  throw new Error(
    `The hub ${name} ${why}. It was not changed. Make these changes with the Azure CLI, whose newest version knows them:\n` +
      commands.map((command) => `  ${command}`).join('\n'),
  );
}

/** The command of the Azure CLI's extension azure-iot that makes a change. */
function commandOf(hubName: string, next: IotHubDescription, { action, what, name }: Change): string {
  const verb = { add: 'create', change: 'update', remove: 'delete' }[action];
  const { endpoints, routes } = next.properties?.routing ?? {};
  if (what === 'endpoint') {
    const endpoint = endpoints?.eventHubs?.find((each) => each.name === name);
    if (endpoint === undefined) return az('iot hub message-endpoint delete', { hubName, endpointName: name });
    return az(`iot hub message-endpoint ${verb} eventhub`, {
      hubName,
      endpointName: name,
      identity: '[system]',
      endpointUri: endpoint.endpointUri ?? '',
      entityPath: endpoint.entityPath ?? '',
      // Without these two options, the CLI takes those of the hub.
      endpointResourceGroup: endpoint.resourceGroup ?? '',
      endpointSubscriptionId: endpoint.subscriptionId ?? '',
    });
  }
  const route = routes?.find((each) => each.name === name);
  if (route === undefined) return az('iot hub message-route delete', { hubName, routeName: name });
  const { source, condition = 'true', endpointNames } = route;
  return az(`iot hub message-route ${verb}`, {
    hubName,
    routeName: name,
    sourceType: source,
    endpointName: endpointNames[0] ?? '',
    condition,
    enabled: 'true',
  });
}

/** A removal takes two writes, and the first one is refused. So the command for the second one is named, too. */
function laterCommands(hubName: string, next: IotHubDescription, changes: readonly Change[]): readonly string[] {
  const isRemoval = changes.every(({ action }) => action === 'remove');
  const isLeft = next.properties?.routing?.endpoints?.eventHubs?.some(({ name }) => name === endpointName) === true;
  return isRemoval && isLeft ? [az('iot hub message-endpoint delete', { hubName, endpointName })] : [];
}
