import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { AnswerSchemaName } from '../answer-schemas.ts';
import { authLevelOf, type Route, type RouteName, routes } from '../routes.ts';
import { type Caller, describeCaller, keyCaller } from './caller.ts';
import { type ParameterSchemas, type PathValues, type QueryValues, readPath, readQuery } from './check-parameters.ts';
import { commonHeaders } from './common-headers.ts';
import { ApiProblem, describeCause, toProblem, toProblemResponse } from './problem.ts';

/** An HTTP request, with the parsed values of its parameters. */
interface CheckedRequest<Path extends ParameterSchemas, Query extends ParameterSchemas> {
  readonly path: PathValues<Path>;
  readonly query: QueryValues<Query>;
  readonly request: HttpRequest;
  readonly context: InvocationContext;
  readonly caller: Caller;
}

/** The facts about an endpoint that the OpenAPI document shows. */
export interface EndpointDescription extends Route {
  /** The name of the function in Azure Functions. */
  readonly name: string;
  readonly authLevel: 'anonymous' | 'function' | 'admin';
  readonly summary: string;
  readonly path: ParameterSchemas;
  readonly query: ParameterSchemas;
  /**
   * The successful answers by HTTP status. Each has the name of the schema of its JSON, and further media types. Problem documents are not
   * listed here.
   */
  readonly answers: Readonly<
    Record<number, { readonly schema?: AnswerSchemaName; readonly mediaTypes?: readonly string[] }>
  >;
}

/** One endpoint of the API: one HTTP method on one route. */
export interface Endpoint extends EndpointDescription {
  /** `caller` is an operator who signed in. Without it, the caller had the key that the route requires. */
  answer(request: HttpRequest, context: InvocationContext, caller?: Caller): Promise<HttpResponseInit>;
}

interface EndpointDefinition<Path extends ParameterSchemas, Query extends ParameterSchemas>
  extends Pick<EndpointDescription, 'summary' | 'answers'> {
  readonly path?: Path;
  readonly query?: Query;
  /**
   * Seconds until the client gets a 503 instead of a late answer. The deadline must be shorter than the time limits of the runtime and of
   * proxies. 60 by default.
   */
  readonly deadline?: number;
  /**
   * Answers a request.
   *
   * @throws {ApiProblem} when the request cannot be answered.
   */
  handle(checked: CheckedRequest<Path, Query>): Promise<HttpResponseInit>;
}

/**
 * Creates the endpoint of a route. The endpoint checks the parameters before it calls `handle`, and turns errors into problem documents.
 * The endpoint's `answer` never throws.
 */
export function endpoint<
  Path extends ParameterSchemas = ParameterSchemas,
  Query extends ParameterSchemas = ParameterSchemas,
>(
  name: RouteName,
  { path = {} as Path, query = {} as Query, deadline = 60, handle, ...description }: EndpointDefinition<Path, Query>,
): Endpoint {
  const route: Route = routes[name];
  return {
    ...description,
    ...route,
    name,
    authLevel: authLevelOf(route),
    path,
    query,
    async answer(request, context, caller = keyCaller(authLevelOf(route))) {
      try {
        const checked = { path: readPath(path, request), query: readQuery(query, request), request, context, caller };
        if (route.method !== 'GET') context.log(`${name}: asked by ${describeCaller(caller)}`);
        const { headers, ...answer } = await withDeadline(deadline, () => handle(checked));
        return {
          ...answer,
          headers: { ...commonHeaders, ...(headers as Readonly<Record<string, string>> | undefined) },
        };
      } catch (error) {
        const problem = toProblem(error, context.invocationId);
        if (problem.status >= 500) context.error(`${name}: ${problem.message} ${describeCause(problem)}`);
        return toProblemResponse(problem);
      }
    },
  };
}

/** Runs `work`, and rejects with a 503 problem when `work` takes longer than `seconds`. The work itself is not cancelled. */
async function withDeadline<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const problem = () => new ApiProblem('unavailable', `The answer took longer than ${seconds} s. Try again later.`);
  const timer = setTimeout(() => reject(problem()), seconds * 1000);
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
