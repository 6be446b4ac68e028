import * as z from 'zod/mini';
import { type AnswerSchemaName, answerSchemas } from './answer-schemas.ts';
import type { ParameterSchemas } from './http/check-parameters.ts';
import type { EndpointDescription } from './http/endpoint.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Makes the OpenAPI 3.1 document of these endpoints. The document contains the schemas that check the parameters, and the schemas of the
 * answers.
 */
export function toOpenApi(endpoints: readonly EndpointDescription[]): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const endpoint of endpoints) {
    const path = `/${endpoint.route}`;
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: toOperation(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Twinkeeper',
      version: '1',
      description:
        'The drift of an IoT hub: which properties departed from the policies, what was done about each, and which are open now.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api' }],
    security: [{ header: [] }, { query: [] }],
    paths,
    components: {
      schemas: componentSchemas(),
      responses: {
        Problem: {
          description: 'A problem document (RFC 9457).',
          content: { 'application/problem+json': reference('Problem') },
        },
        NoKey: {
          description: 'The key is missing or not sufficient. Azure Functions sends this answer, without a body.',
        },
      },
      securitySchemes: {
        header: { type: 'apiKey', in: 'header', name: 'x-functions-key' },
        query: { type: 'apiKey', in: 'query', name: 'code' },
      },
    },
  };
}

function toOperation({ name, summary, path, query, answers, authLevel, method }: EndpointDescription): JsonObject {
  const problem = { $ref: '#/components/responses/Problem' };
  const neededKey = { anonymous: 'No key.', function: 'A function key.', admin: 'The master key.' }[authLevel];
  return {
    operationId: name,
    summary,
    description: neededKey,
    ...(authLevel === 'anonymous' ? { security: [] } : {}),
    parameters: [...toParameters('path', path), ...toParameters('query', query)],
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { schema, mediaTypes = [] }]) => [
          status,
          {
            description: method === 'GET' ? 'The answer.' : 'Done.',
            content: {
              ...(schema === undefined ? {} : { 'application/json': reference(schema) }),
              ...Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: { type: 'string' } }])),
            },
          },
        ]),
      ),
      400: problem,
      ...(authLevel === 'anonymous'
        ? {}
        : {
            401: { $ref: '#/components/responses/NoKey' },
            429: problem,
            500: problem,
            ...(503 in answers ? {} : { 503: problem }),
          }),
      ...(Object.keys(path).length === 0 ? {} : { 404: problem }),
      ...(Object.values(answers).some(({ schema, mediaTypes }) => schema !== undefined && mediaTypes !== undefined)
        ? { 406: problem }
        : {}),
    },
  };
}

function toParameters(location: 'path' | 'query', parameters: ParameterSchemas): readonly JsonObject[] {
  return Object.entries(parameters).map(([name, schema]) => {
    const { $schema: _, description, ...shape } = z.toJSONSchema(schema);
    return { name, in: location, required: location === 'path', description, schema: shape };
  });
}

function reference(name: AnswerSchemaName): JsonObject {
  return { schema: { $ref: `#/components/schemas/${name}` } };
}

function componentSchemas(): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(answerSchemas)) registry.add(schema, { id });
  const { schemas: all } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(all).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema] as const),
  );
}
