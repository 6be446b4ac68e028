/**
 * Compares the rights that the app needs on the hub with the rights that the deployment gives to it. The app runs with its own settings, the
 * unmodified `@azure/identity` and `azure-iothub`, and the roles of infra/azure/main.snapshot.json.
 */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { InvocationContext } from '@azure/functions';
import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type App, compose } from '../../../functions/compose.ts';
import { readSettings } from '../../../functions/settings.ts';
import { appIdentityWith, identityEnvironment } from '../../../infra/local/app-identity.ts';
import { readDeployedRoles } from '../../../infra/local/deployed-roles.ts';
import {
  type AssignedRole,
  type ManagedIdentity,
  startIdentityEndpoint,
  TokenIssuer,
} from '../../../infra/local/entra/index.ts';
import { localSettings } from '../../../infra/local/host-environment.ts';
import type { CallReport } from '../../../infra/local/hub/calls.ts';
import type { LocalHubEndpoints } from '../../../infra/local/hub/index.ts';
import { findRole } from '../../../infra/local/hub/roles.ts';
import { type Answer, connectToHub, type Hub, jobBlob } from '../../../shared/hub/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { createBlobFolders } from '../../../shared/storage/index.ts';
import { sweepQueueName } from '../../../shared/sweep/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newEventsOf } from '../../support/new-events.ts';
import { newStorageAccount } from '../../support/storage.ts';
import { brief, quiet } from '../../support/world.ts';
import { startTestHub, type TestHub } from './hub/hub-client.ts';

const policies = toPolicySet([{ name: 'agent', module: 'Agent', createModule: true, desired: { level: 1, size: 2 } }], {
  mode: 'enforce',
});
const context = quiet as unknown as InvocationContext;
const before = { environment: { ...process.env }, authorities: getCACertificates('default') };
const issuer = new TokenIssuer();
const closing: (() => Promise<void>)[] = [];
let roles: readonly AssignedRole[];
let hub: TestHub;
let storageConnectionString: string;
let settings: Readonly<Record<string, string>>;
let app: App;
/** The identity of the app, and then an identity without each of its roles. */
let identities: readonly ManagedIdentity[];
let moduleCount = 0;

beforeAll(async () => {
  roles = await readDeployedRoles(resolve(import.meta.dirname, '../../..'));
  const storage = await newStorageAccount();
  storageConnectionString = storage.endpoints.connectionString;
  identities = [
    appIdentityWith(roles),
    ...roles.map((role) => ({
      name: `without ${findRole(role).name}`,
      clientId: randomUUID(),
      principalId: randomUUID(),
      roles: roles.filter((other) => other !== role),
    })),
  ];
  const endpoint = await startIdentityEndpoint(identities, issuer);
  hub = await startTestHub({ identities, issuer });
  closing.push(hub.close, endpoint.close);
  await fetch(`${hub.controlUrl}/jobs`, { method: 'PUT', body: JSON.stringify({ seconds: 0 }) });
  setDefaultCACertificates([...before.authorities, hub.ca]);
  Object.assign(process.env, identityEnvironment(endpoint));
  const endpoints = { hostName: `localhost:${hub.httpsPort}`, eventHubConnectionString: eventHub, eventHubName: 'e' };
  const local = localSettings(endpoints as LocalHubEndpoints, storageConnectionString, { blastRadius: 20 });
  // A percentage makes the guard count the devices of the hub.
  settings = { ...local, TWINKEEPER_BLAST_RADIUS: '50%' };
  app = compose(readSettings(settings), policies);
});
afterAll(async () => {
  for (const close of closing) await close();
  setDefaultCACertificates(before.authorities);
  process.env = before.environment;
});

const eventHub = 'Endpoint=sb://localhost;SharedAccessKeyName=n;SharedAccessKey=a2V5';

/** Returns the data actions that the app has used since the last call of this function, and how the hub answered. */
async function usedRights() {
  const report = (await (await fetch(`${hub.controlUrl}/calls`)).json()) as CallReport;
  await fetch(`${hub.controlUrl}/calls`, { method: 'DELETE' });
  const { dataActions, byStatus } = report.byCaller.twinkeeper ?? { dataActions: {}, byStatus: {} };
  return { dataActions: Object.keys(dataActions).sort() as (keyof typeof dataActions)[], byStatus };
}

async function allEvents(): Promise<void> {
  const newEvents = newEventsOf(hub.log);
  for (let events = newEvents(); events.length > 0; events = newEvents()) {
    await app.processorFor(context).process(events);
  }
}

async function sweep(by = app): Promise<void> {
  const { sweeperFor, workerFor } = await by.loadSweep();
  await sweeperFor(context).run({ trigger: 'timer' });
  const queue = QueueServiceClient.fromConnectionString(storageConnectionString).getQueueClient(sweepQueueName);
  let backfill: unknown;
  for (;;) {
    const { receivedMessageItems: messages } = await queue.receiveMessages({ numberOfMessages: 32 });
    if (messages.length === 0) break;
    for (const { messageText, messageId, popReceipt } of messages) {
      const message = JSON.parse(Buffer.from(messageText, 'base64').toString());
      if (message.type === 'backfill') backfill = message;
      await workerFor(context).handle(message);
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
  // The next turns of a backfill come after some seconds. These turns come early: it writes its list, and starts its first job.
  for (let turn = 0; turn < 2 && backfill !== undefined; turn++) await workerFor(context).handle(backfill);
}

const history = async (deviceId: string) => brief(await collect(app.history.rows({ deviceId })));

describe('the roles that the deployment gives to the app', () => {
  it('allow each call that the app can make, and the app uses each of them in its ordinary work', async () => {
    await hub.operator.create({ deviceId: 'by-event' });
    await allEvents();
    expect(await history('by-event')).toEqual([['missingModule', '', 'created']]);

    await hub.operator.updateModuleTwin('by-event', 'Agent', { properties: { desired: { level: 9 } } }, '*');
    await allEvents();
    expect((await history('by-event'))[0]).toEqual(['wrongValue', 'level', 'enforced']);

    hub.registry.create({ deviceId: 'by-sweep' }, {});
    await hub.operator.addConfiguration({
      id: 'rival',
      targetCondition: 'FROM devices.modules WHERE tags.none = 1',
      priority: 1,
      content: { moduleContent: { 'properties.desired.size': 3 } },
    } as unknown as Parameters<typeof hub.operator.addConfiguration>[0]);
    await sweep();
    expect(await history('by-sweep')).toEqual([['missingModule', '', 'created']]);
    expect((await app.guardStore.competing()).map(({ configuration }) => configuration)).toEqual(['rival']);

    // With this budget, bulk calls would need more than ten minutes for them.
    for (let device = 0; device < 210; device++) hub.registry.create({ deviceId: `late-${device}` }, {});
    const small = { TWINKEEPER_HUB_TIER: 'S1', TWINKEEPER_HUB_UNITS: '1', TWINKEEPER_BUDGET_SHARE: '0.2' };
    await sweep(compose(readSettings({ ...settings, ...small }), policies));

    expect((await app.health()).status).toBe('healthy');

    const { dataActions, byStatus } = await usedRights();
    expect(byStatus).not.toHaveProperty('401');
    const unused = roles.map(findRole).filter((role, _, all) => {
      const others = all.filter((other) => other !== role);
      return !dataActions.some((action) => role.allows(action) && !others.some((other) => other.allows(action)));
    });
    expect(unused.map(({ name }) => name)).toEqual([]);
  });

  it('allow each method of the interface to the hub', async () => {
    expect(await refused(app.hub)).toEqual({});
  });

  it('are all needed: without any of them, the hub refuses a method, and says which request', async () => {
    for (const { clientId, roles: left } of identities.slice(1)) {
      const { hub: address } = readSettings({ ...settings, IOTHUB__clientId: clientId });
      const problems = Object.values(await refused(connectToHub(address)));
      expect(problems, JSON.stringify(left)).not.toEqual([]);
      for (const problem of problems) expect(problem).toMatchObject({ type: 'refused', status: 401 });
      const [missing = ''] = roles.filter((role) => !left.includes(role)).map((role) => findRole(role).name);
      // The name of a custom role ends with the name of the hub, because such names are unique in a tenant.
      const named = missing.replace(/ \(.+\)$/, '');
      const message = new RegExp(
        `^The managed identity ${clientId} tried to [a-z ]+ on the IoT hub localhost and was refused .*The role ${named} is missing there`,
      );
      for (const problem of problems)
        expect(problem).toMatchObject({ access: 'forbidden', message: expect.stringMatching(message) });
    }
  });

  it('are not reached without a token, and the message says which identity got none', async () => {
    const clientId = randomUUID();
    const { hub: address } = readSettings({ ...settings, IOTHUB__clientId: clientId });
    const answer = await connectToHub(address, { retries: 0 }).countDevices();
    expect(answer).toMatchObject({
      problem: {
        type: 'transient',
        access: 'noToken',
        message: expect.stringMatching(
          new RegExp(
            `^The managed identity ${clientId} got no token for the IoT hub localhost\\. Check that the function app`,
          ),
        ),
      },
    });
  });

  it('are not asked for with a wrong key, and the message says so', async () => {
    const connectionString = `HostName=localhost:${hub.httpsPort};SharedAccessKeyName=service;SharedAccessKey=bm90IHRoZSBrZXk=`;
    const answer = await connectToHub({ connectionString }).queryPage('SELECT * FROM devices');
    expect(answer).toMatchObject({
      problem: {
        type: 'refused',
        access: 'forbidden',
        message: expect.stringContaining(
          'The key of the connection string tried to query twins on the IoT hub localhost',
        ),
      },
    });
  });
});

describe('the identity of the app', () => {
  it.each([
    ['DefaultAzureCredential', () => new DefaultAzureCredential()],
    ['ManagedIdentityCredential', () => new ManagedIdentityCredential({ clientId: identities[0]?.clientId ?? '' })],
  ])('is found by the unmodified %s', async (_, create) => {
    const { token } = await create().getToken('https://iothubs.azure.net/.default');
    expect(await issuer.principalOf(token, 'https://iothubs.azure.net')).toBe(identities[0]?.principalId);
  });
});

/** Imports an empty list of modules, and cancels a job. */
async function useJobs({ jobs }: Hub): Promise<readonly Answer<unknown>[]> {
  const folders = createBlobFolders({ connectionString: storageConnectionString }, 'jobs-', () => new Date());
  const folder = await folders.open(randomUUID());
  await folder.write(jobBlob, '');
  const started = await jobs.startImport(await folder.sharedUrl(1));
  const others = [await jobs.list(), await jobs.hasKeys('any', 'm')];
  if (!started.ok) return [started, ...others];
  const { value: id } = started;
  const ended = await vi.waitFor(async () => {
    const job = await jobs.read(id);
    if (job.ok) expect(['waiting', 'running']).not.toContain(job.value.state);
    return job;
  }, 30_000);
  return [started, ended, await jobs.cancel(id), ...others];
}

/** Calls each method of the interface to the hub. Returns the problems of the calls that failed, by method. */
async function refused(on: Hub): Promise<Readonly<Record<string, object>>> {
  if (!hub.registry.devices.has('any')) {
    hub.registry.create({ deviceId: 'any' }, {});
    hub.registry.create({ deviceId: 'any', moduleId: 'm' }, {});
  }
  moduleCount += 1;
  const module = { deviceId: 'any', moduleId: `module-${moduleCount}`, desired: {}, tags: {} };
  const calls: Record<keyof Hub, () => Promise<readonly Answer<unknown>[]>> = {
    readTwin: async () => [await on.readTwin('any', ''), await on.readTwin('any', 'm')],
    patchDesired: async () => [await on.patchDesired('any', 'm', '*', { a: 1 })],
    createModules: () => on.createModules([module]),
    countDevices: async () => [await on.countDevices()],
    queryPage: async () => [await on.queryPage('SELECT * FROM devices')],
    listConfigurations: async () => [await on.listConfigurations()],
    jobs: () => useJobs(on),
    // These make no call.
    name: async () => [],
    lane: async () => [],
    waitFor: async () => [],
  };
  const problems: Record<string, object> = {};
  for (const [method, call] of Object.entries(calls)) {
    for (const answer of await call()) if (!answer.ok) problems[method] = answer.problem;
  }
  return problems;
}
