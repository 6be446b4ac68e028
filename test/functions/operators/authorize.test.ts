import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { authorize, canSignIn, signInAddress } from '../../../functions/operators/authorize.ts';
import appRoles from '../../../infra/azure/app-roles.json' with { type: 'json' };
import { principalHeader } from './principal-header.ts';

const reader = ['Twinkeeper.Reader'];
const operator = ['Twinkeeper.Operator'];
/** The variable of an app in which App Service authentication is on. */
const isOn = { WEBSITE_AUTH_ENABLED: 'True' };

/** The kind of the problem with which a request is refused, or `ok`. */
function outcome(
  method: 'GET' | 'POST',
  roles: readonly string[] | undefined,
  headers: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = isOn,
): string {
  const principal: Record<string, string> =
    roles === undefined ? {} : { 'x-ms-client-principal': principalHeader(roles) };
  const request = new HttpRequest({
    method,
    url: 'http://localhost/api/user/x',
    headers: { ...principal, ...headers },
  });
  try {
    authorize(request, environment);
    return 'ok';
  } catch (error) {
    return String((error as { readonly kind?: unknown }).kind);
  }
}

const own = { 'x-requested-with': 'twinkeeper', 'sec-fetch-site': 'same-origin' };

describe('an operator', () => {
  it.each([
    ['GET', undefined, 'signedOut'],
    ['GET', [], 'roleMissing'],
    ['GET', ['twinkeeper.reader', 'Other'], 'roleMissing'],
    ['GET', reader, 'ok'],
    ['GET', operator, 'ok'],
    ['POST', undefined, 'signedOut'],
    ['POST', reader, 'roleMissing'],
    ['POST', operator, 'ok'],
  ] as const)('who sends %s with the app roles %j: %s', (method, roles, expected) => {
    expect(outcome(method, roles, own)).toBe(expected);
  });

  it.each([
    ['without the header', {}],
    ['with another header', { 'x-requested-with': 'XMLHttpRequest' }],
    ['from another site', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['from another subdomain', { ...own, 'sec-fetch-site': 'same-site' }],
    ['from the address bar', { ...own, 'sec-fetch-site': 'none' }],
  ])('cannot act %s', (_, headers) => {
    expect(outcome('POST', operator, headers)).toBe('foreignSite');
    expect(outcome('GET', operator, headers)).toBe('ok');
  });

  it('may act with a program, which sends no Sec-Fetch-Site', () => {
    expect(outcome('POST', operator, { 'x-requested-with': 'twinkeeper' })).toBe('ok');
  });

  it.each([
    {},
    { WEBSITE_AUTH_ENABLED: '' },
    { WEBSITE_AUTH_ENABLED: 'False' },
    { WEBSITE_AUTH_ENABLED: '0' },
    { WEBSITE_AUTH_ENABLED: 'untrue' },
  ])(
    'is not believed unless App Service authentication is on, because then the header can be anybody’s (%j)',
    (environment) => {
      expect(outcome('GET', operator, own, environment)).toBe('signedOut');
      expect(outcome('POST', operator, own, environment)).toBe('signedOut');
      // A sign-in that does not exist is no place to send anybody to.
      const request = new HttpRequest({ method: 'GET', url: 'http://localhost/api/user/dashboard' });
      expect(canSignIn(request, environment)).toBe(false);
      expect(canSignIn(request, isOn)).toBe(true);
    },
  );

  it('goes back to the page after signing in', () => {
    expect(signInAddress('/api/user/dashboard?policy=a&by=kind')).toBe(
      '/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fuser%2Fdashboard%3Fpolicy%3Da%26by%3Dkind',
    );
  });
});

it('opens with the app roles that the app registration gets', () => {
  expect(appRoles.map(({ value }) => value)).toEqual([...reader, ...operator]);
  expect(outcome('GET', [String(appRoles[0]?.value)])).toBe('ok');
});
