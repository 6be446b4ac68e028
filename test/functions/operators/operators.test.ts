import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionsAnswer } from '../../../functions/api/answers.ts';
import { type Api, startApi } from '../api/api-host.ts';
import { principalHeader } from './principal-header.ts';

const reader = principalHeader(['Twinkeeper.Reader'], 'Ada <b>"X"</b>');
const operator = principalHeader(['Twinkeeper.Operator'], 'grace@example.com', 'c0b0');

let api: Api;
beforeAll(async () => {
  api = await startApi({ TWINKEEPER_OPERATORS: 'entra', WEBSITE_AUTH_ENABLED: 'True' });
});
afterAll(() => api?.close());

/** Sends a request without a key to the address of operators. */
function send(path: string, principal?: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  return fetch(`${api.base}/user/${path}`, {
    method,
    redirect: 'manual',
    headers: { ...(principal === undefined ? {} : { 'x-ms-client-principal': principal }), ...headers },
  });
}

describe('an operator who signs in', () => {
  it('reads without a key', async () => {
    const answer = await send('drift?limit=1', reader);
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ rows: [] })]);
  });

  it('acts with the role for it, and the log says who it was', async () => {
    const own = { 'x-requested-with': 'twinkeeper' };
    const refused = await send('sweep', reader, own, 'POST');
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('Twinkeeper.Operator')]);
    expect((await send('sweep', operator, {}, 'POST')).status).toBe(403);
    expect((await send('sweep', operator, own, 'POST')).status).toBe(202);
    await expect.poll(() => api.host.log()).toContain('sweep-start: asked by grace@example.com (c0b0)');
    expect(api.host.log()).not.toContain(operator);
  });

  it('is named in the record of actions', async () => {
    expect((await send('sweep?reason=drill', operator, { 'x-requested-with': 'twinkeeper' }, 'POST')).status).toBe(202);
    const { actions } = (await (await send('actions?limit=1', reader)).json()) as ActionsAnswer;
    expect(actions).toMatchObject([
      { action: 'sweep', by: { type: 'user', name: 'grace@example.com', id: 'c0b0' }, reason: 'drill', result: 'done' },
    ]);
  });

  it('has the dashboard, which says who signed in', async () => {
    const page = await send('dashboard', reader);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toContain('Signed in as Ada &#60;b&#62;&#34;X&#34;&#60;/b&#62;');
    expect(html).not.toContain('<b>"X"</b>');
    expect((await api.get('dashboard')).text).not.toContain('Signed in as');
  });

  it('has an OpenAPI document with these addresses and this way to authenticate', async () => {
    const document = (await (await send('openapi.json', reader)).json()) as Readonly<Record<string, object>> & {
      readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
    };
    expect((await new Validator().validate(structuredClone(document))).errors).toBeUndefined();
    expect(document).toMatchObject({ servers: [{ url: '/api/user' }], security: [{ session: [] }, { token: [] }] });
    const described = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    const registered = api.host.endpoints.functions.map(({ name }) => name).filter((name) => name.startsWith('user-'));
    expect(described.toSorted()).toEqual(registered.toSorted());
  });
});

describe('somebody who has not signed in', () => {
  it('is told where to sign in', async () => {
    const answer = await send('drift');
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await answer.text()).toContain('/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fuser%2Fdashboard');
  });

  it('is sent from the page to the sign-in, and afterwards back to the same view', async () => {
    const answer = await send('dashboard?policy=a');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      302,
      '/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fuser%2Fdashboard%3Fpolicy%3Da',
    ]);
  });

  it('needs a key for the other addresses, also with the header of an operator', async () => {
    const answer = await fetch(`${api.base}/drift`, { headers: { 'x-ms-client-principal': operator } });
    expect(answer.status).toBe(401);
  });
});

describe('an app in which App Service authentication is not known to be on', () => {
  let open: Api;
  beforeAll(async () => {
    open = await startApi({ TWINKEEPER_OPERATORS: 'entra' });
  });
  afterAll(() => open?.close());

  it('believes nobody, and says why', async () => {
    for (const path of ['policies', 'dashboard']) {
      const answer = await fetch(`${open.base}/user/${path}`, {
        redirect: 'manual',
        headers: { 'x-ms-client-principal': operator },
      });
      expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('WEBSITE_AUTH_ENABLED')]);
    }
  });
});
