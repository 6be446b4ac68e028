import type { IotHubDescription } from '@azure/arm-iothub';
import { type Change, endpointName, routeNames, type Step, type Steps } from './connect-routing.ts';

/**
 * The steps that take Twinkeeper out of the routing of a hub: first the routes, then the endpoint. A hub refuses to remove an endpoint that a
 * route uses, so the order is safe also when the second write never comes. Everything else stays.
 */
export function disconnectSteps(): Steps {
  return [removeRoutes, removeEndpoint];
}

function removeRoutes(hub: IotHubDescription): Step {
  const { routes = [] } = hub.properties?.routing ?? {};
  const removed = routes.filter(({ name }) => routeNames.includes(name));
  const changes = removed.map(({ name }): Change => ({ action: 'remove', what: 'route', name }));
  const kept = routes.filter((route) => !removed.includes(route));
  return { changes, hub: withRouting(hub, { routes: kept }) };
}

/** @throws An Error that names the routes, when other routes use the endpoint. */
function removeEndpoint(hub: IotHubDescription): Step {
  const { endpoints, routes = [] } = hub.properties?.routing ?? {};
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
  return {
    changes: [{ action: 'remove', what: 'endpoint', name: endpointName }],
    hub: withRouting(hub, { endpoints: { ...endpoints, eventHubs: kept } }),
  };
}

type Routing = NonNullable<NonNullable<IotHubDescription['properties']>['routing']>;

function withRouting(hub: IotHubDescription, change: Routing): IotHubDescription {
  return { ...hub, properties: { ...hub.properties, routing: { ...hub.properties?.routing, ...change } } };
}
