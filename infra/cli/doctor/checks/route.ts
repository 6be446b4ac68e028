import type { IotHubDescription } from '@azure/arm-iothub';
import { type Change, connectSteps } from '../../arm/index.ts';
import type { Check } from '../check.ts';
import type { Deployment, HubResource } from '../deployment.ts';
import { fault, faultsOr } from '../finding.ts';

export const routeCheck: Check = {
  id: 'route',
  title: 'The endpoint and the routes of the IoT hub',
  async run({ deployment }) {
    const hub = await deployment.hub();
    return faultsOr(
      `The hub routes its events to ${deployment.names.eventHub}.`,
      routeFaults(hub, deployment).map((what) =>
        fault(what, 'npx twinkeeper connect --dry-run', 'npx twinkeeper connect'),
      ),
    );
  },
};

/** One sentence for each difference to the routing that `twinkeeper connect` makes. */
function routeFaults(hub: HubResource, { names }: Deployment): readonly string[] {
  const target = {
    subscriptionId: names.subscription,
    resourceGroup: names.resourceGroup,
    host: names.eventHubHost,
    eventHub: names.eventHub,
  };
  // Azure's JSON of a hub has the form of the SDK's description, apart from dates.
  const description = hub as unknown as IotHubDescription;
  const changes = connectSteps(target, true).flatMap((step) => step(description).changes);
  return changes.map((change) => sentence(change));
}

function sentence({ action, what, name, from = {}, to = {} }: Change): string {
  if (action === 'add') return `The hub has no ${what} ${name}.`;
  const values = Object.keys(to).map(
    (key) => `${key} is ${JSON.stringify(from[key])} and must be ${JSON.stringify(to[key])}`,
  );
  return `The ${what} ${name} is not as wanted: ${values.join(', ')}.`;
}
