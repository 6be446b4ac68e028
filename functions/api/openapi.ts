import * as z from 'zod/mini';
import type { Description, Parameters } from './http/endpoint.ts';
import { type SchemaName, schemas } from './schemas.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** The API's document (OpenAPI 3.1), made of the very schemas by which parameters are checked, and of those of the answers. */
export function toOpenApi(endpoints: readonly Description[]): JsonObject {
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
      description: 'What was out of line in the twins of an IoT hub, what came of it, and what is out of line now.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api' }],
    security: [{ header: [] }, { query: [] }],
    paths,
    components: {
      schemas: componentSchemas(),
      responses: {
        Problem: {
          description: 'A problem (RFC 9457).',
          content: { 'application/problem+json': reference('Problem') },
        },
        NoKey: {
          description: 'The key is missing, or does not open this. Answered by Azure Functions, without a body.',
        },
      },
      securitySchemes: {
        header: { type: 'apiKey', in: 'header', name: 'x-functions-key' },
        query: { type: 'apiKey', in: 'query', name: 'code' },
      },
    },
  };
}

function toOperation({ name, summary, path, query, answers, authLevel, method }: Description): JsonObject {
  const problem = { $ref: '#/components/responses/Problem' };
  const needs = { anonymous: 'No key.', function: 'A function key.', admin: 'The master key.' }[authLevel];
  return {
    operationId: name,
    summary,
    description: needs,
    ...(authLevel === 'anonymous' ? { security: [] } : {}),
    parameters: [...toParameters('path', path), ...toParameters('query', query)],
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { schema, forms = [] }]) => [
          status,
          {
            description: method === 'GET' ? 'What was asked for.' : 'Done.',
            content: {
              ...(schema === undefined ? {} : { 'application/json': reference(schema) }),
              ...Object.fromEntries(forms.map((form) => [form, { schema: { type: 'string' } }])),
            },
          },
        ]),
      ),
      400: problem,
      ...(authLevel === 'anonymous'
        ? {}
        : { 401: { $ref: '#/components/responses/NoKey' }, 500: problem, 503: problem }),
      ...(Object.keys(path).length === 0 ? {} : { 404: problem }),
      ...(Object.values(answers).some(({ schema, forms }) => schema !== undefined && forms !== undefined)
        ? { 406: problem }
        : {}),
    },
  };
}

function toParameters(place: 'path' | 'query', parameters: Parameters): readonly JsonObject[] {
  return Object.entries(parameters).map(([name, schema]) => {
    const { $schema: _, description, ...shape } = z.toJSONSchema(schema);
    return { name, in: place, required: place === 'path', description, schema: shape };
  });
}

function reference(name: SchemaName): JsonObject {
  return { schema: { $ref: `#/components/schemas/${name}` } };
}

function componentSchemas(): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: all } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(all).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema] as const),
  );
}
