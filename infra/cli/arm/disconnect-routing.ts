import type { IotHubDescription } from '@azure/arm-iothub';
import {
  type Change,
  type EventHubTarget,
  endpointName,
  leadsTo,
  routeNames,
  type Step,
  type Steps,
} from './connect-routing.ts';

/**
 * The steps that take Twinkeeper out of the routing of a hub: first the routes, then the endpoint. A hub refuses to remove an endpoint that a
 * route uses, so the order is safe also when the second write never comes. Everything else stays.
 *
 * @param target the event hub of the deployment. An endpoint that leads to another event hub belongs to another deployment, and stays with its
 *   routes. Absent: the endpoint is removed wherever it leads.
 */
export function disconnectSteps(target?: Pick<EventHubTarget, 'host' | 'eventHub'>): Steps {
  if (target === undefined) return [removeRoutes, removeEndpoint];
  const isOther = (hub: IotHubDescription) => {
    const endpoint = endpointOf(hub);
    return endpoint !== undefined && !leadsTo(endpoint, target);
  };
  return [
    (hub) => (isOther(hub) ? { hub, changes: [], note: noteAbout(hub) } : removeRoutes(hub)),
    (hub) => (isOther(hub) ? { hub, changes: [] } : removeEndpoint(hub)),
  ];
}

function endpointOf({ properties }: IotHubDescription) {
  return properties?.routing?.endpoints?.eventHubs?.find(({ name }) => name === endpointName);
}

function noteAbout(hub: IotHubDescription): string {
  const { endpointUri = 'an address with a key', entityPath } = endpointOf(hub) ?? {};
  return `The endpoint ${endpointName} of the hub ${hub.name} leads to another deployment (${endpointUri}, ${entityPath}), so it stays.`;
}

function removeRoutes(hub: IotHubDescription): Step {
  const { routes = [] } = hub.properties?.routing ?? {};
  const removed = routes.filter(({ name }) => routeNames.includes(name));
  const changes = removed.map(({ name }): Change => ({ action: 'remove', what: 'route', name }));
  const kept = routes.filter((route) => !removed.includes(route));
  return { changes, hub: withRouting(hub, { routes: kept }) };
}

/** @throws An Error that names the routes or message enrichments of others, when they use the endpoint. */
function removeEndpoint(hub: IotHubDescription): Step {
  const { endpoints, routes = [], enrichments = [] } = hub.properties?.routing ?? {};
  const eventHubs = endpoints?.eventHubs ?? [];
  const kept = eventHubs.filter(({ name }) => name !== endpointName);
  if (kept.length === eventHubs.length) return { hub, changes: [] };
  const users = routes.filter(
    ({ name, endpointNames }) => !routeNames.includes(name) && endpointNames.includes(endpointName),
  );
  if (users.length > 0) {
    throw new Error(
      `The endpoint ${endpointName} stays, because other routes use it: ${users.map(({ name }) => name).join(', ')}. Remove these routes first.`,
    );
  }
  const keys = enrichments.filter(({ endpointNames }) => endpointNames.includes(endpointName)).map(({ key }) => key);
  if (keys.length > 0) {
    throw new Error(
      `The endpoint ${endpointName} stays, because message enrichments use it: ${keys.join(', ')}. Remove these enrichments first.`,
    );
  }
  return {
    changes: [{ action: 'remove', what: 'endpoint', name: endpointName }],
    hub: withRouting(hub, { endpoints: { ...endpoints, eventHubs: kept } }),
  };
}

type Routing = NonNullable<NonNullable<IotHubDescription['properties']>['routing']>;

function withRouting(hub: IotHubDescription, change: Routing): IotHubDescription {
  return { ...hub, properties: { ...hub.properties, routing: { ...hub.properties?.routing, ...change } } };
}
