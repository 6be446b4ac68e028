import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../hub/listen.ts';
import type { ManagedIdentity } from './managed-identity.ts';
import type { TokenIssuer } from './token-issuer.ts';

/** The version of the protocol of App Service and Azure Functions. Source: "Managed identities in App Service", REST endpoint reference. */
const apiVersion = '2019-08-01';

/** The values of the environment variables by which `@azure/identity` finds the endpoint. */
export interface IdentityEndpointAddress {
  /** The value of `IDENTITY_ENDPOINT`. */
  readonly endpoint: string;
  /** The value of `IDENTITY_HEADER`, a secret. Each request has it in the header `X-IDENTITY-HEADER`. */
  readonly header: string;
}

export interface IdentityEndpoint extends IdentityEndpointAddress {
  close(): Promise<void>;
}

/** Starts the endpoint on a free port of 127.0.0.1. It issues tokens of these identities to whoever knows the secret of its header. */
export async function startIdentityEndpoint(
  identities: readonly ManagedIdentity[],
  issuer: TokenIssuer,
): Promise<IdentityEndpoint> {
  const header = randomBytes(32).toString('base64url');
  const server = createServer((request, response) => {
    answer(request, identities, issuer, header)
      .catch((error: unknown) => refusal(500, `The local identity endpoint failed: ${error}`))
      .then(({ status, body }) => send(response, status, body));
  });
  const { port, close } = await listen(server, 0, 'identityPort');
  return { endpoint: `http://127.0.0.1:${port}/msi/token`, header, close };
}

interface EndpointAnswer {
  readonly status: number;
  readonly body: object;
}

async function answer(
  request: IncomingMessage,
  identities: readonly ManagedIdentity[],
  issuer: TokenIssuer,
  secret: string,
): Promise<EndpointAnswer> {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname !== '/msi/token' || request.method !== 'GET') {
    return refusal(404, `There is no ${request.method} ${pathname} here: use GET /msi/token.`);
  }
  if (!isSecret(request.headers['x-identity-header'], secret)) {
    return refusal(401, 'The header X-IDENTITY-HEADER must be the value of IDENTITY_HEADER.');
  }
  if (query.get('api-version') !== apiVersion) {
    return refusal(400, `api-version must be ${apiVersion}, not ${JSON.stringify(query.get('api-version'))}.`);
  }
  const resource = query.get('resource');
  if (resource === null || !URL.canParse(resource)) {
    return refusal(400, `resource must be the address of a service, not ${JSON.stringify(resource)}.`);
  }
  const clientId = query.get('client_id')?.toLowerCase();
  const identity = identities.find((each) => each.clientId.toLowerCase() === clientId);
  if (identity === undefined) {
    return refusal(
      400,
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
  }
  const { token, expiresAt } = await issuer.issue(identity, resource);
  return {
    status: 200,
    body: {
      access_token: token,
      client_id: identity.clientId,
      expires_on: String(expiresAt),
      resource,
      token_type: 'Bearer',
    },
  };
}

function isSecret(given: string | readonly string[] | undefined, secret: string): boolean {
  if (typeof given !== 'string') return false;
  const [bytes, expected] = [Buffer.from(given), Buffer.from(secret)];
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** The form of App Service's error responses. */
function refusal(status: number, message: string): EndpointAnswer {
  return { status, body: { statusCode: status, message } };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
