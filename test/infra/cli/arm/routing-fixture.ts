/** A hub in a fake of Azure Resource Manager, whose routing the tests change with the real SDK. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach } from 'vitest';
import { changeRouting, connectSteps, disconnectSteps, openHub, type Steps } from '../../../../infra/cli/arm/index.ts';
import {
  type FakeResourceManager,
  plantHub,
  startFakeResourceManager,
} from '../../../support/fake-resource-manager.ts';

export const target = {
  subscriptionId: '00000000-0000-0000-0000-000000000001',
  resourceGroup: 'rg-plant',
  host: 'evhns-abc.servicebus.windows.net',
  eventHub: 'twin-events',
};
export const connect = connectSteps(target, false);
export const disconnect = disconnectSteps();

/** Prepares the tests of a file. Each test calls `use` first. */
export function useRouting() {
  let before: string[];
  const fixture = {
    manager: undefined as unknown as FakeResourceManager,
    /** Starts the fake with this hub. */
    async use(hub = plantHub()): Promise<void> {
      fixture.manager = await startFakeResourceManager(hub);
      setDefaultCACertificates([...before, fixture.manager.ca]);
    },
    /** Changes the routing. Waiting takes no time. */
    async change(steps: Steps, dryRun = false) {
      let time = 0;
      const clock = {
        now: () => new Date(time),
        async sleep(milliseconds: number) {
          time += milliseconds;
        },
      };
      const progress: string[] = [];
      const hub = await openHub({
        name: 'plant-hub',
        resourceGroup: 'rg-hubs',
        subscriptionId: target.subscriptionId,
        credential: { getToken: async () => ({ token: 'x', expiresOnTimestamp: Date.now() + 3_600_000 }) },
        resourceManager: fixture.manager.url,
        pollInterval: 1,
      });
      const result = await changeRouting(hub, steps, { clock, dryRun, onProgress: (text) => progress.push(text) });
      return { ...result, progress };
    },
    /** The hub without what Twinkeeper may change, and without its ETag. */
    rest() {
      const { etag: _, properties, ...hub } = structuredClone(fixture.manager.hub);
      const { endpoints, routes, ...routing } = properties.routing;
      const others = routes.filter(({ name }) => !name.startsWith('twinkeeper-'));
      const eventHubs = endpoints.eventHubs.filter(({ name }) => name !== 'twinkeeper');
      return {
        ...hub,
        properties: { ...properties, routing: { ...routing, endpoints: { ...endpoints, eventHubs }, routes: others } },
      };
    },
    /** How often the hub was written, or refused a write. */
    writes: () => fixture.manager.requests.filter((method) => method === 'PUT').length,
    routeNames: () => fixture.manager.hub.properties.routing.routes.map(({ name }) => name),
  };
  beforeEach(() => {
    before = getCACertificates('default');
  });
  afterEach(async () => {
    setDefaultCACertificates(before);
    await fixture.manager.close();
  });
  return fixture;
}
