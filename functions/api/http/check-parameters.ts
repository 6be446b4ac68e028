import type { HttpRequest } from '@azure/functions';
import type * as z from 'zod/mini';
import { functionKeyParameters } from './function-key-parameters.ts';
import { badParameter, unknownParameter } from './problem.ts';

/** The schemas of parameters by name. Each schema parses the text of the URL. */
export type ParameterSchemas = Readonly<Record<string, z.ZodMiniType>>;

/** The values of the path's parameters, all of which are present. */
export type PathValues<P extends ParameterSchemas> = { readonly [K in keyof P]: z.output<P[K]> };

/** The values of the query's parameters that the request has. */
export type QueryValues<P extends ParameterSchemas> = { readonly [K in keyof P]?: z.output<P[K]> };

/**
 * Reads the path's parameters.
 *
 * @throws {ApiProblem} 400 for a value that its schema refuses.
 */
export function readPath<P extends ParameterSchemas>(schemas: P, { params }: HttpRequest): PathValues<P> {
  const values = Object.entries(schemas).map(([name, schema]) => [name, read(name, schema, params[name] ?? '')]);
  return Object.fromEntries(values) as PathValues<P>;
}

/**
 * Reads the query's parameters. It skips the parameters that carry a function key.
 *
 * @throws {ApiProblem} 400 for an unknown parameter, for a parameter that is given twice, and for a value that its schema refuses.
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
