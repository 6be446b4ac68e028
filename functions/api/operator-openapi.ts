import type { JsonObject } from './openapi.ts';

interface Operation extends JsonObject {
  readonly operationId: string;
  readonly parameters: readonly JsonObject[];
  readonly responses: JsonObject;
}

const problem = { $ref: '#/components/responses/Problem' };

/**
 * Makes the OpenAPI document of the addresses for operators who sign in from the document of the addresses with keys. Both have the same
 * endpoints, with other ways to authenticate.
 */
export function toOperatorOpenApi(document: JsonObject): JsonObject {
  const { paths, components } = document as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: JsonObject & { readonly responses: JsonObject };
  };
  const { NoKey: _, ...responses } = components.responses;
  return {
    ...document,
    servers: [{ url: '/api/user' }],
    security: [{ session: [] }, { token: [] }],
    paths: Object.fromEntries(
      Object.entries(paths)
        // The health check without a sign-in is only at `/api/health`.
        .filter(([path]) => path !== '/health')
        .map(([path, methods]) => [
          path,
          Object.fromEntries(
            Object.entries(methods).map(([method, operation]) => [method, toOperatorOperation(method, operation)]),
          ),
        ]),
    ),
    components: {
      ...components,
      responses,
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'AppServiceAuthSession' },
        token: { type: 'http', scheme: 'bearer', description: 'A token of Microsoft Entra ID for this function app.' },
      },
    },
  };
}

function toOperatorOperation(method: string, operation: Operation): Operation {
  const acts = method !== 'get';
  const header = {
    name: 'x-requested-with',
    in: 'header',
    required: true,
    description: 'Tells the request from one that a page of another site sends.',
    schema: { type: 'string', const: 'twinkeeper' },
  };
  return {
    ...operation,
    operationId: `user-${operation.operationId}`,
    description: acts ? 'The app role Twinkeeper.Operator.' : 'The app role Twinkeeper.Reader or Twinkeeper.Operator.',
    parameters: acts ? [...operation.parameters, header] : operation.parameters,
    responses: { ...operation.responses, 401: problem, 403: problem },
  };
}
