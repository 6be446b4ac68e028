import type { IotHubDescription } from '@azure/arm-iothub';
import { type Change, connectSteps } from '../../arm/index.ts';
import type { Check } from '../check.ts';
import type { Deployment, HubResource } from '../deployment.ts';
import { type Finding, fault, faultsOr } from '../finding.ts';

export const routeCheck: Check = {
  id: 'route',
  title: 'The endpoint and the routes of the IoT hub',
  async run({ deployment }) {
    const hub = await deployment.hub();
    return faultsOr(`The hub routes its events to ${deployment.names.eventHub}.`, routeFaults(hub, deployment));
  },
};

/** One fault for each difference to the routing that `twinkeeper connect` makes, or for the reason why it cannot make it. */
function routeFaults(hub: HubResource, { names }: Deployment): readonly Finding[] {
  const target = {
    subscriptionId: names.subscription,
    resourceGroup: names.resourceGroup,
    host: names.eventHubHost,
    eventHub: names.eventHub,
  };
  // Azure's JSON of a hub has the form of the SDK's description, apart from dates.
  const description = hub as unknown as IotHubDescription;
  try {
    return connectSteps(target, true)
      .flatMap((step) => step(description).changes)
      .map((change) => fault(sentence(change), 'npx twinkeeper connect --dry-run', mendOf(change)));
  } catch (error) {
    // The first line is the reason. Indented lines are commands.
    const [reason = '', ...lines] = (error as Error).message.split('\n');
    return [fault(reason, ...lines.filter((line) => line.startsWith('  ')).map((line) => line.trim()))];
  }
}

function sentence({ action, what, name, from = {}, to = {} }: Change): string {
  if (action === 'add') return `The hub has no ${what} ${name}.`;
  const values = Object.keys(to).map(
    (key) => `${key} is ${JSON.stringify(from[key])} and must be ${JSON.stringify(to[key])}`,
  );
  return `The ${what} ${name} is not as wanted: ${values.join(', ')}.`;
}

/** An endpoint that leads elsewhere may belong to another deployment, so it is only replaced on purpose. */
function mendOf({ action, what }: Change): string {
  return action === 'change' && what === 'endpoint' ? 'npx twinkeeper connect --replace' : 'npx twinkeeper connect';
}
