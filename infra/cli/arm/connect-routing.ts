import type { IotHubDescription, RouteProperties, RoutingEventHubProperties } from '@azure/arm-iothub';
import { az } from '../az-command.ts';

/** The event hub to which the IoT hub sends its events. */
export interface EventHubTarget {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** The host name of the namespace, such as `example.servicebus.windows.net`. */
  readonly host: string;
  readonly eventHub: string;
}

/** One difference between the routing of the hub and the wanted routing. */
export interface Change {
  readonly action: 'add' | 'change' | 'remove';
  readonly what: 'endpoint' | 'route' | 'fallback route';
  readonly name: string;
  /** The values before, as far as they differ. Absent for `add`. */
  readonly from?: Readonly<Record<string, unknown>>;
  /** The values after, as far as they differ. Absent for `remove`. */
  readonly to?: Readonly<Record<string, unknown>>;
}

/** One write of the hub: the hub after the write, and how it differs. Without changes, nothing is to be written. */
export interface Step {
  readonly hub: IotHubDescription;
  readonly changes: readonly Change[];
  /** One line about a part of the hub that the step leaves alone on purpose. */
  readonly note?: string;
}

/** A change of the routing in steps. Each step is given the hub as it is now, and is written before the next one. */
export type Steps = readonly ((hub: IotHubDescription) => Step)[];

/** The name of Twinkeeper's endpoint. The alerts of the deployment watch this endpoint. */
export const endpointName = 'twinkeeper';

/** Twinkeeper's routes, by the source of their events. */
const routeSources = {
  'twinkeeper-twins': 'TwinChangeEvents',
  'twinkeeper-lifecycle': 'DeviceLifecycleEvents',
} as const;

export const routeNames: readonly string[] = Object.keys(routeSources);

/** The most custom endpoints and routes of a hub, from the page "IoT Hub quotas and throttling". */
const limits = { free: { endpoints: 1, routes: 5 }, paid: { endpoints: 10, routes: 100 } } as const;

/**
 * The step that adds Twinkeeper's endpoint and routes to a hub. It keeps every other endpoint and route, the enrichments and the fallback route.
 *
 * @param mayReplace whether an endpoint `twinkeeper` that leads to another event hub may be changed
 */
export function connectSteps(target: EventHubTarget, mayReplace: boolean): Steps {
  return [(hub) => connect(hub, target, mayReplace)];
}

/** @throws An Error that says what to do, when the hub cannot send, has no room, or sends to another deployment of Twinkeeper. */
function connect(hub: IotHubDescription, target: EventHubTarget, mayReplace: boolean): Step {
  const routing = hub.properties?.routing;
  const endpoints = routing?.endpoints?.eventHubs ?? [];
  const routes = routing?.routes ?? [];
  const endpoint = wantedEndpoint(target);
  const oldEndpoint = endpoints.find(({ name }) => name === endpointName);
  const endpointChange = difference('endpoint', endpointName, oldEndpoint, endpoint);
  const routeChanges = wantedRoutes().map((route) =>
    difference(
      'route',
      route.name,
      routes.find(({ name }) => name === route.name),
      route,
    ),
  );
  const changes = [endpointChange, ...routeChanges].filter((change) => change !== undefined);
  if (changes.length === 0) return { hub, changes };

  checkIdentity(hub);
  checkOtherEndpoints(hub);
  if (oldEndpoint !== undefined && !leadsTo(oldEndpoint, target) && !mayReplace) {
    throw new Error(
      `The hub ${hub.name} has an endpoint ${endpointName} that leads elsewhere: ${oldEndpoint?.endpointUri ?? 'an address with a key'}, ${oldEndpoint?.entityPath}. ` +
        'Another deployment of Twinkeeper may use it. Give --replace to change it.',
    );
  }
  const wanted = {
    endpoints: [...endpoints.filter(({ name }) => name !== endpointName), endpoint],
    routes: [...routes.filter(({ name }) => !routeNames.includes(name)), ...wantedRoutes()],
  };
  checkLimits(hub, wanted.routes.length, endpointChange?.action === 'add');
  // A hub without any routing sends telemetry to its built-in endpoint. Routing without a fallback route would end that.
  const isFirst = routing === undefined;
  const fallbackRoute = isFirst ? fallback : routing.fallbackRoute;
  return {
    hub: {
      ...hub,
      properties: {
        ...hub.properties,
        routing: {
          ...routing,
          endpoints: { ...routing?.endpoints, eventHubs: wanted.endpoints },
          routes: wanted.routes,
          ...(fallbackRoute === undefined ? {} : { fallbackRoute }),
        },
      },
    },
    changes,
  };
}

/** Whether an endpoint of a hub leads to an event hub. */
export function leadsTo(
  endpoint: RoutingEventHubProperties,
  { host, eventHub }: Pick<EventHubTarget, 'host' | 'eventHub'>,
): boolean {
  return (
    isSame('endpointUri', endpoint.endpointUri, `sb://${host}`) && isSame('entityPath', endpoint.entityPath, eventHub)
  );
}

/** The fallback route that a new hub has. */
const fallback = {
  name: '$fallback',
  source: 'DeviceMessages',
  condition: 'true',
  endpointNames: ['events'],
  isEnabled: true,
};

function wantedEndpoint({ subscriptionId, resourceGroup, host, eventHub }: EventHubTarget): RoutingEventHubProperties {
  return {
    name: endpointName,
    authenticationType: 'identityBased',
    endpointUri: `sb://${host}`,
    entityPath: eventHub,
    subscriptionId,
    resourceGroup,
  };
}

function wantedRoutes(): readonly RouteProperties[] {
  return Object.entries(routeSources).map(([name, source]) => ({
    name,
    source,
    condition: 'true',
    endpointNames: [endpointName],
    isEnabled: true,
  }));
}

/** The change that makes `before` to `after`. Compares only the fields of `after`: the hub adds fields of its own, such as ids. */
function difference(
  what: 'endpoint' | 'route',
  name: string,
  before: object | undefined,
  after: object,
): Change | undefined {
  if (before === undefined) return { action: 'add', what, name, to: { ...after } };
  const found = before as Readonly<Record<string, unknown>>;
  const differing = Object.entries(after).filter(([key, value]) => !isSame(key, found[key], value));
  if (differing.length === 0) return undefined;
  const from = Object.fromEntries(differing.map(([key]) => [key, found[key]]));
  return { action: 'change', what, name, from, to: Object.fromEntries(differing) };
}

/** Azure compares names of resource groups, hosts and event hubs without regard to case, and adds slashes and ports to addresses. */
function isSame(key: string, found: unknown, wanted: unknown): boolean {
  const plain = (value: unknown) => {
    const text = JSON.stringify(value ?? null).toLowerCase();
    return key === 'endpointUri' ? text.replace(/(:\d+)?\/?"$/, '"') : text;
  };
  return plain(found) === plain(wanted);
}

function checkIdentity({ name, identity, properties, ...hub }: IotHubDescription): void {
  if (/SystemAssigned/i.test(identity?.type ?? '')) return;
  const group = /\/resourceGroups\/([^/]+)\//i.exec(hub.id ?? '')?.[1] ?? 'RESOURCE-GROUP';
  throw new Error(
    `The hub ${name} has no system-assigned identity, so it cannot send to the event hub. Give it one:\n` +
      `  ${az('iot hub identity assign', { name: name ?? '', resourceGroup: group, systemAssigned: [] })}\n` +
      'Then run "azd provision": it gives the identity the role Azure Event Hubs Data Sender, and connects the hub.',
  );
}

/** The name of an endpoint is unique in a hub, whatever its kind. The hub's own refusal does not say that. */
function checkOtherEndpoints({ name, properties }: IotHubDescription): void {
  const { eventHubs: _, ...others } = properties?.routing?.endpoints ?? {};
  const [kind] =
    Object.entries(others).find(([, endpoints]: readonly [string, readonly { readonly name: string }[]]) =>
      endpoints.some((endpoint) => endpoint.name.toLowerCase() === endpointName),
    ) ?? [];
  if (kind === undefined) return;
  throw new Error(
    `The hub ${name} has an endpoint ${endpointName} of another kind, in ${kind}. Remove that endpoint or make it anew with another name, then run the command again.`,
  );
}

function checkLimits({ name, sku, properties }: IotHubDescription, routes: number, isNewEndpoint: boolean): void {
  const { endpoints: most, routes: mostRoutes } = sku.name === 'F1' ? limits.free : limits.paid;
  const endpoints = Object.values(properties?.routing?.endpoints ?? {}).flat().length + (isNewEndpoint ? 1 : 0);
  if (endpoints > most) {
    throw new Error(
      `The hub ${name} (${sku.name}) has ${endpoints - 1} custom endpoints, and ${most} is the most. Remove one.`,
    );
  }
  if (routes > mostRoutes) {
    throw new Error(
      `The hub ${name} (${sku.name}) would have ${routes} routes, and ${mostRoutes} is the most. Remove some.`,
    );
  }
}
