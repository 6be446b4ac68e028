import type { HttpRequest } from '@azure/functions';
import { ApiProblem } from '../api/http/problem.ts';
import { type Principal, readPrincipal } from './principal.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The app roles of the app registration. The operator role includes reading. */
const appRoles = { reader: 'Twinkeeper.Reader', operator: 'Twinkeeper.Operator' } as const;

const signInPath = '/.auth/login/aad';

/** The header that a request which acts must have. A page of another site cannot add a header without the leave of this app. */
const actionHeader = { name: 'x-requested-with', value: 'twinkeeper' } as const;

/** The address at which an operator signs in. Afterwards the browser goes on to `path`, a path of this app. */
export function signInAddress(path: string): string {
  return `${signInPath}?post_login_redirect_uri=${encodeURIComponent(path)}`;
}

/** Whether the request is from somebody who has not signed in, and who can. */
export function canSignIn({ headers }: HttpRequest, environment: Environment = process.env): boolean {
  return isOn(environment) && !headers.get('x-ms-client-principal');
}

/** Whether the platform says that App Service authentication is on. The platform sets the variable in each app that has authentication. */
function isOn(environment: Environment): boolean {
  return /^(true|1)$/i.test(environment.WEBSITE_AUTH_ENABLED ?? '');
}

/**
 * Checks that the platform has authenticated the caller, and that the caller has the app role which the request needs: a GET request reads,
 * and any other acts. A browser sends the sign-in cookie with requests of other sites too. So a request that acts must have a header that
 * other sites cannot send, and must not come from another site.
 *
 * The header `x-ms-client-principal` is from the platform only while App Service authentication is on: then the platform removes the
 * header from requests of the outside. So nobody is let in unless the platform says that it is on.
 *
 * @throws {ApiProblem} with status 401 and the address for signing in, or with status 403 and what is missing.
 */
export function authorize(request: HttpRequest, environment: Environment = process.env): Principal {
  if (!isOn(environment)) {
    throw new ApiProblem(
      'signedOut',
      'The platform does not say that App Service authentication is on (WEBSITE_AUTH_ENABLED is not true). Switch it on, or use a key under /api/.',
    );
  }
  if (canSignIn(request, environment)) {
    throw new ApiProblem('signedOut', `Sign in at ${signInAddress('/api/user/dashboard')}, or use a key under /api/.`);
  }
  const principal = readPrincipal(request.headers.get('x-ms-client-principal') ?? '');
  if (principal === undefined) {
    throw new ApiProblem(
      'signedOut',
      `The sign-in names no user of Microsoft Entra ID. Sign in at ${signInAddress('/api/user/dashboard')}.`,
    );
  }
  const acts = request.method !== 'GET';
  const sufficient = acts ? [appRoles.operator] : [appRoles.reader, appRoles.operator];
  if (!sufficient.some((role) => principal.roles.has(role))) {
    throw new ApiProblem(
      'roleMissing',
      `${principal.name} needs the app role ${sufficient.join(' or ')}. Assign it in Microsoft Entra ID, under the enterprise application of this function app, and sign in again.`,
    );
  }
  if (acts) checkOrigin(request);
  return principal;
}

function checkOrigin({ headers }: HttpRequest): void {
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin') {
    throw new ApiProblem('foreignSite', 'A page of another site sent this request. Only pages of this app may act.');
  }
  if (headers.get(actionHeader.name)?.toLowerCase() !== actionHeader.value) {
    throw new ApiProblem(
      'foreignSite',
      `A request that acts needs the header "${actionHeader.name}: ${actionHeader.value}".`,
    );
  }
}
