/** Tests of the rights that each operation of the service API needs, for shared access policies and for managed identities. */
import { afterAll, describe, expect, it } from 'vitest';
import { type ManagedIdentity, TokenIssuer } from '../../../../infra/local/entra/index.ts';
import type { AccessRight } from '../../../../infra/local/hub/access.ts';
import type { CallReport } from '../../../../infra/local/hub/calls.ts';
import type { PolicyName } from '../../../../infra/local/hub/credentials.ts';
import { apiVersion, authorizationFor, requestRaw, startTestHub } from './hub-client.ts';

type Operation = keyof typeof operations;

/** A request for each operation, the right of a shared access policy that it needs, and the data actions that it needs. */
const operations = {
  'read a device': ['GET', '/devices/none', 'registryRead', ['devices/read']],
  'list devices': ['GET', '/devices', 'registryRead', ['devices/read']],
  'list modules': ['GET', '/devices/none/modules', 'registryRead', ['devices/read']],
  'write a device': ['PUT', '/devices/d', 'registryWrite', ['devices/write']],
  'write a module': ['PUT', '/devices/none/modules/m', 'registryWrite', ['devices/write']],
  'delete a device': ['DELETE', '/devices/none', 'registryWrite', ['devices/delete']],
  'bulk call': ['POST', '/devices', 'registryWrite', ['devices/write', 'devices/delete']],
  'read a twin': ['GET', '/twins/none', 'service', ['twins/read']],
  'patch a twin': ['PATCH', '/twins/none', 'service', ['twins/write']],
  'replace a twin': ['PUT', '/twins/none/modules/m', 'service', ['twins/write']],
  query: ['POST', '/devices/query', 'service', ['twins/read']],
  'read statistics': ['GET', '/statistics/devices', 'registryRead', ['statistics/read']],
  'list configurations': ['GET', '/configurations', 'registryRead', ['configurations/read']],
  'read a configuration': ['GET', '/configurations/none', 'registryRead', ['configurations/read']],
  'write a configuration': ['PUT', '/configurations/c', 'registryWrite', ['configurations/write']],
  'delete a configuration': ['DELETE', '/configurations/none', 'registryWrite', ['configurations/delete']],
  'start a job': ['POST', '/jobs/create', 'registryWrite', ['jobs/write']],
  'list jobs': ['GET', '/jobs', 'registryRead', ['jobs/read']],
  'read a job': ['GET', '/jobs/none', 'registryRead', ['jobs/read']],
  'cancel a job': ['DELETE', '/jobs/none', 'registryWrite', ['jobs/delete']],
} as const satisfies Record<string, readonly [string, string, AccessRight, readonly string[]]>;

const names = Object.keys(operations) as readonly Operation[];

const roles = {
  'Data Reader': 'b447c946-2db7-41ec-983d-d8bf3b1c77e3',
  'Registry Contributor': '4EA46CD5-C1B2-4A8E-910B-273211F9CE47',
  'Twin Contributor': '494bdba2-168f-4f31-a0a1-191d2f7c028c',
  'Data Contributor': '4fc6c259-987e-4a07-842e-c321cc9d413f',
} as const;

const identityWith = (name: string, ...ids: readonly string[]): ManagedIdentity => ({
  name,
  clientId: `client of ${name}`,
  principalId: `principal of ${name}`,
  roles: ids,
});

const identities = [
  ...Object.entries(roles).map(([name, id]) => identityWith(name, id)),
  identityWith('both contributors', roles['Registry Contributor'], roles['Twin Contributor']),
  identityWith('nobody'),
];

const resource = 'https://iothubs.azure.net';
const issuer = new TokenIssuer();
const hub = await startTestHub({ identities, issuer });
afterAll(() => hub.close());

/** Sends the request of an operation. Requests that the hub allows may fail for another reason than rights. */
function send(operation: Operation, authorization: string) {
  const [method, path] = operations[operation];
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{}' };
  return requestRaw(hub, method, `${path}${apiVersion}`, { headers: { authorization }, ...body });
}

async function allowed(authorization: string): Promise<readonly Operation[]> {
  const answers = await Promise.all(
    names.map(async (name) => [name, (await send(name, authorization)).status] as const),
  );
  return answers.filter(([, status]) => status !== 401).map(([name]) => name);
}

async function bearer(name: string): Promise<string> {
  const identity = identities.find((each) => each.name === name);
  if (identity === undefined) throw new Error(`There is no identity ${name}.`);
  return `Bearer ${(await issuer.issue(identity, resource)).token}`;
}

describe('a shared access policy', () => {
  it.each([
    ['iothubowner', ['registryRead', 'registryWrite', 'service', 'device']],
    ['service', ['service']],
    ['device', ['device']],
    ['registryRead', ['registryRead']],
    ['registryReadWrite', ['registryRead', 'registryWrite']],
    ['operator', ['registryRead', 'registryWrite', 'service']],
    ['twinkeeper', ['registryRead', 'registryWrite', 'service']],
  ] as const satisfies readonly (readonly [PolicyName, readonly AccessRight[]])[])(
    '%s may do what its rights %j allow, and nothing else',
    async (policy, rights) => {
      const expected = names.filter((name) => (rights as readonly AccessRight[]).includes(operations[name][2]));
      expect(await allowed(authorizationFor(hub, policy))).toEqual(expected);
    },
  );

  it('without the right is refused as IoT Hub refuses it', async () => {
    const { status, body, headers } = await send('list devices', authorizationFor(hub, 'service'));
    expect(status).toBe(401);
    expect(headers.iothuberrorcode).toBe('IotHubUnauthorizedAccess');
    expect(JSON.parse(body).Message).toBe('ErrorCode:IotHubUnauthorizedAccess;Unauthorized');
  });
});

describe('a managed identity', () => {
  it.each([
    ['Data Reader', /\/read$/],
    ['Registry Contributor', /^devices\//],
    ['Twin Contributor', /^twins\//],
    ['Data Contributor', /./],
    ['both contributors', /^(devices|twins)\//],
    ['nobody', /^$/],
  ])('with the role %s may do what the role allows, and nothing else', async (name, actions) => {
    const expected = names.filter((operation) => operations[operation][3].every((action) => actions.test(action)));
    expect(await allowed(await bearer(name))).toEqual(expected);
  });

  it('without the role is refused as IoT Hub refuses it: the message names the principal and the request', async () => {
    const { status, body, headers } = await send('query', await bearer('Registry Contributor'));
    expect(status).toBe(401);
    expect(headers.iothuberrorcode).toBe('IotHubUnauthorized');
    expect(JSON.parse(body).Message).toBe(
      'ErrorCode:IotHubUnauthorized;Principal principal of Registry Contributor is not authorized for POST on /devices/query due to no assigned permissions',
    );
  });

  const now = Math.floor(Date.now() / 1000);
  const owner = identityWith('Data Contributor');
  it.each([
    ['is of an unknown principal', async () => issuer.issue(identityWith('stranger'), resource)],
    ['is for another resource', async () => issuer.issue(owner, 'https://storage.azure.com')],
    ['has expired', async () => issuer.issue(owner, resource, now - 24 * 60 * 60 - 1)],
    ['is not valid yet', async () => issuer.issue(owner, resource, now + 600)],
    ['is from another issuer', async () => new TokenIssuer().issue(owner, resource)],
    ['was changed', async () => ({ token: `${(await issuer.issue(owner, resource)).token.slice(0, -8)}AAAAAAAA` })],
    ['is not a token', async () => ({ token: 'x' })],
    ['is not signed', async () => ({ token: unsigned((await issuer.issue(owner, resource)).token) })],
  ])('is refused when its token %s', async (_, issue) => {
    const { status, body } = await send('list devices', `Bearer ${(await issue()).token}`);
    expect(status).toBe(401);
    expect(JSON.parse(body).Message).toBe('ErrorCode:IotHubUnauthorizedAccess;Unauthorized');
  });

  it('may have a token whose audience ends with a slash', async () => {
    const { token } = await issuer.issue(owner, `${resource}/`);
    expect((await send('list devices', `Bearer ${token}`)).status).toBe(200);
  });

  it('counts as one caller with the shared access policy of its name, so faults of this caller strike both', async () => {
    const identity = identityWith('twinkeeper', roles['Data Reader']);
    const faults = [{ share: 1, caller: 'twinkeeper', kinds: [{ status: 503 }] }] as const;
    const shared = await startTestHub({ identities: [identity], issuer, faults });
    try {
      const bearerToken = `Bearer ${(await issuer.issue(identity, resource)).token}`;
      for (const authorization of [bearerToken, authorizationFor(shared, 'twinkeeper')]) {
        const { status } = await requestRaw(shared, 'GET', `/devices${apiVersion}`, { headers: { authorization } });
        expect(status).toBe(503);
      }
      const { byCaller } = (await (await fetch(`${shared.controlUrl}/calls`)).json()) as CallReport;
      expect(byCaller.twinkeeper).toMatchObject({
        total: 2,
        dataActions: { 'Microsoft.Devices/IotHubs/devices/read': 2 },
      });
    } finally {
      await shared.close();
    }
  });

  it('cannot have a role that IoT Hub does not have', async () => {
    const storageRole = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b';
    await expect(startTestHub({ identities: [identityWith('app', storageRole)], issuer })).rejects.toThrow(
      `The local hub knows no role "${storageRole}". It knows IoT Hub Data Contributor (4fc6c259-`,
    );
  });
});

/** Returns the token with the algorithm `none` and without a signature. */
function unsigned(token: string): string {
  const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  return `${header}.${token.split('.')[1]}.`;
}
