import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type * as z from 'zod/mini';
import { authLevelOf, type Route, type RouteName, routes } from '../routes.ts';
import type { SchemaName } from '../schemas.ts';
import { keyParameters } from './key-parameters.ts';
import { plainHeaders } from './plain-headers.ts';
import { ApiProblem, badParameter, causeOf, toProblem, toProblemResponse, unknownParameter } from './problem.ts';

/** Schemas of parameters by their names. Each is given text. */
export type Parameters = Readonly<Record<string, z.ZodMiniType>>;

/** The parameters' values: all of a path's, and those of a query that were given. */
type Required<P extends Parameters> = { readonly [K in keyof P]: z.output<P[K]> };
type Given<P extends Parameters> = { readonly [K in keyof P]?: z.output<P[K]> };

/** A request whose parameters are good. */
export interface Call<Path extends Parameters, Query extends Parameters> {
  readonly path: Required<Path>;
  readonly query: Given<Query>;
  readonly request: HttpRequest;
  readonly context: InvocationContext;
}

/** What is said of an endpoint in the API's document. */
export interface Description extends Route {
  /** The function's name. */
  readonly name: string;
  readonly authLevel: 'anonymous' | 'function' | 'admin';
  readonly summary: string;
  readonly path: Parameters;
  readonly query: Parameters;
  /** By status: the schema of its JSON, and its other forms where it has some. Problems are not listed here. */
  readonly answers: Readonly<Record<number, { readonly schema?: SchemaName; readonly forms?: readonly string[] }>>;
}

/** One thing that can be asked of the API. */
export interface Endpoint extends Description {
  answer(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit>;
}

interface Definition<Path extends Parameters, Query extends Parameters>
  extends Pick<Description, 'summary' | 'answers'> {
  readonly path?: Path;
  readonly query?: Query;
  /** Seconds after which whoever asked is told that something does not answer: before the runtime or a proxy gives up. */
  readonly deadline?: number;
  /** Throws an {@link ApiProblem} where there is no answer. */
  handle(call: Call<Path, Query>): Promise<HttpResponseInit>;
}

/** What answers at a route. Requests are checked before they are handled, and errors become problem documents. */
export function endpoint<Path extends Parameters = Parameters, Query extends Parameters = Parameters>(
  name: RouteName,
  { path = {} as Path, query = {} as Query, deadline = 60, handle, ...description }: Definition<Path, Query>,
): Endpoint {
  const route: Route = routes[name];
  return {
    ...description,
    ...route,
    name,
    authLevel: authLevelOf(route),
    path,
    query,
    async answer(request, context) {
      try {
        const call = { path: readPath(path, request), query: readQuery(query, request), request, context };
        const { headers, ...answer } = await within(deadline, () => handle(call));
        return {
          ...answer,
          headers: { ...plainHeaders, ...(headers as Readonly<Record<string, string>> | undefined) },
        };
      } catch (error) {
        const problem = toProblem(error, context.invocationId);
        if (problem.status >= 500) context.error(`${name}: ${problem.message} ${causeOf(problem)}`);
        return toProblemResponse(problem);
      }
    },
  };
}

function readPath<P extends Parameters>(schemas: P, { params }: HttpRequest): Required<P> {
  const values = Object.entries(schemas).map(([name, schema]) => [name, read(name, schema, params[name] ?? '')]);
  return Object.fromEntries(values) as Required<P>;
}

function readQuery<P extends Parameters>(schemas: P, { query }: HttpRequest): Given<P> {
  const values: [string, unknown][] = [];
  for (const name of new Set(query.keys())) {
    if (keyParameters.has(name)) continue;
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (schema === undefined) {
      throw unknownParameter(name, Object.keys(schemas));
    }
    const [text = '', ...more] = query.getAll(name);
    if (more.length > 0) throw badParameter(name, 'must be given once only');
    values.push([name, read(name, schema, text)]);
  }
  return Object.fromEntries(values) as Given<P>;
}

function read(name: string, schema: z.ZodMiniType, text: string): unknown {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw badParameter(name, result.error.issues[0]?.message ?? 'cannot be used', text);
}

async function within<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const problem = () => new ApiProblem('unavailable', `There was no answer within ${seconds} s. Try again later.`);
  const timer = setTimeout(() => reject(problem()), seconds * 1000);
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
