import type { HttpRequest } from '@azure/functions';
import type * as z from 'zod/mini';
import { functionKeyParameters } from './function-key-parameters.ts';
import { badParameter, unknownParameter } from './problem.ts';

/** The schemas of an endpoint's parameters, by the parameter's name. Each schema parses the text of one parameter in the URL. */
export type ParameterSchemas = Readonly<Record<string, z.ZodMiniType>>;

/** The parsed values of the parameters in the path. Every parameter of the path has a value. */
export type PathValues<P extends ParameterSchemas> = { readonly [K in keyof P]: z.output<P[K]> };

/** The parsed values of the parameters in the query string. A parameter that the request leaves out has no value. */
export type QueryValues<P extends ParameterSchemas> = { readonly [K in keyof P]?: z.output<P[K]> };

/**
 * Parses the parameters in the path of a request.
 *
 * @throws {ApiProblem} with status 400 when a schema refuses a value.
 */
export function readPath<P extends ParameterSchemas>(schemas: P, { params }: HttpRequest): PathValues<P> {
  const values = Object.entries(schemas).map(([name, schema]) => [name, read(name, schema, params[name] ?? '')]);
  return Object.fromEntries(values) as PathValues<P>;
}

/**
 * Parses the parameters in the query string of a request. Skips the parameters that carry a function key.
 *
 * @throws {ApiProblem} with status 400 for an unknown parameter, for a parameter that is given twice, and for a value that its schema
 * refuses.
 */
export function readQuery<P extends ParameterSchemas>(schemas: P, { query }: HttpRequest): QueryValues<P> {
  const values: [string, unknown][] = [];
  for (const name of new Set(query.keys())) {
    if (functionKeyParameters.has(name)) continue;
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (schema === undefined) {
      throw unknownParameter(name, Object.keys(schemas));
    }
    const [text = '', ...more] = query.getAll(name);
    if (more.length > 0) throw badParameter(name, 'must be given only once');
    values.push([name, read(name, schema, text)]);
  }
  return Object.fromEntries(values) as QueryValues<P>;
}

function read(name: string, schema: z.ZodMiniType, text: string): unknown {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw badParameter(name, result.error.issues[0]?.message ?? 'is not valid', text);
}
