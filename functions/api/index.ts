/**
 * The HTTP API. Each file holds the endpoints of one resource. Each endpoint declares the schemas of its parameters and of its answer. An
 * endpoint checks the parameters of a request before it reads any data. The document at `/api/openapi.json` is made from the same schemas.
 * Every error becomes a problem document (RFC 9457).
 *
 * @module
 */
import { app } from '@azure/functions';
import { once } from '../../shared/once.ts';
import type { LazyApp } from '../lazy-app.ts';
import type { Endpoint } from './http/endpoint.ts';
import { watchResponses } from './http/paced-body.ts';
import { authLevelOf, type RouteName, routes } from './routes.ts';

export type * from './answers.ts';

/** Loads the endpoints of all routes on the first call. */
export type LoadEndpoints = () => Promise<Readonly<Record<RouteName, Endpoint>>>;

/**
 * Registers one function for each route of the API. Other files register the function `health` and the dashboard.
 * @returns what loads the endpoints, so that operators who sign in get the same ones
 */
export function registerApi(twinkeeper: LazyApp): LoadEndpoints {
  // HTTP streaming is needed because an export can be larger than the memory.
  app.setup({ enableHttpStream: true });
  watchResponses();
  // The code of the endpoints is loaded on the first request. Most instances start for an event and never answer a request.
  const endpoints = once(async () => {
    const [{ apiEndpoints }, loaded] = await Promise.all([import('./create-endpoints.ts'), twinkeeper.load()]);
    return apiEndpoints(loaded);
  });
  for (const [name, route] of Object.entries(routes)) {
    app.http(name, {
      methods: [route.method],
      authLevel: authLevelOf(route),
      route: route.route,
      handler: async (request, context) => (await endpoints())[name as RouteName].answer(request, context),
    });
  }
  return endpoints;
}
