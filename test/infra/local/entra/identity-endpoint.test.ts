import { afterAll, describe, expect, it } from 'vitest';
import { startIdentityEndpoint, TokenIssuer } from '../../../../infra/local/entra/index.ts';

const resource = 'https://iothubs.azure.net';
const app = { name: 'app', clientId: 'C0FFEE00-0000-4000-8000-000000000001', principalId: 'principal', roles: [] };
const issuer = new TokenIssuer();
const identity = await startIdentityEndpoint([app], issuer);
afterAll(() => identity.close());

const asked = { 'api-version': '2019-08-01', resource, client_id: app.clientId };

async function ask(query: Readonly<Record<string, string>>, header = identity.header, method = 'GET') {
  const response = await fetch(`${identity.endpoint}?${new URLSearchParams(query)}`, {
    method,
    headers: { 'X-IDENTITY-HEADER': header },
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

describe('the identity endpoint', () => {
  it('issues a token of the identity for the resource, in the form of App Service', async () => {
    const { status, body } = await ask(asked);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      client_id: app.clientId,
      expires_on: expect.stringMatching(/^\d{10}$/),
      resource,
      token_type: 'Bearer',
    });
    const secondsLeft = Number(body.expires_on) - Date.now() / 1000;
    expect(secondsLeft).toBeGreaterThan(23 * 3600);
    expect(secondsLeft).toBeLessThanOrEqual(24 * 3600);
    expect(await issuer.principalOf(body.access_token ?? '', resource)).toBe(app.principalId);
  });

  it('finds the identity whatever the case of its client id', async () => {
    expect((await ask({ ...asked, client_id: app.clientId.toLowerCase() })).status).toBe(200);
  });

  const { client_id: _, ...withoutClient } = asked;
  const notFound =
    'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.';
  it.each([
    ['without the secret', asked, '', 401, 'The header X-IDENTITY-HEADER must be the value of IDENTITY_HEADER.'],
    ['with another secret', asked, 'x'.repeat(43), 401, 'The header X-IDENTITY-HEADER must be the value'],
    ['of another version', { ...asked, 'api-version': '2017-09-01' }, undefined, 400, 'must be 2019-08-01, not "2017'],
    ['without a resource', { ...asked, resource: '' }, undefined, 400, 'resource must be the address of a service'],
    ['for an unknown identity', { ...asked, client_id: 'other' }, undefined, 400, notFound],
    ['for the identity of the system, which the app does not have', withoutClient, undefined, 400, notFound],
  ])('refuses a request %s, and says why', async (_case, query, header, status, message) => {
    const { body, status: actual } = await ask(query, header);
    expect(actual).toBe(status);
    expect(body).toEqual({ statusCode: status, message: expect.stringContaining(message) });
  });

  it('has no other path and no other method', async () => {
    expect((await ask(asked, undefined, 'POST')).status).toBe(404);
    expect((await fetch(new URL('/other', identity.endpoint))).status).toBe(404);
  });
});
