/**
 * The HTTP API: one file for each resource. Each endpoint declares the schemas of its parameters and of its answer. The app checks the
 * parameters with them before it reads anything, and makes the document at `/api/openapi.json` from the same schemas. Every error becomes a
 * problem document (RFC 9457).
 *
 * @module
 */
import { app } from '@azure/functions';
import { once } from '../../shared/once.ts';
import type { App } from '../compose.ts';
import { watchResponses } from './http/paced-body.ts';
import { authLevelOf, type RouteName, routes } from './routes.ts';

export type * from './answers.ts';

/** Registers one function for each route of the API. `health` and the dashboard register themselves. */
export function registerApi(twinkeeper: App): void {
  // Streams are needed because an export can be larger than the memory.
  app.setup({ enableHttpStream: true });
  watchResponses();
  // Loaded with the first request: most instances start for an event and never answer one.
  const endpoints = once(async () => (await import('./endpoints.ts')).apiEndpoints(twinkeeper));
  for (const [name, route] of Object.entries(routes)) {
    app.http(name, {
      methods: [route.method],
      authLevel: authLevelOf(route),
      route: route.route,
      handler: async (request, context) => (await endpoints())[name as RouteName].answer(request, context),
    });
  }
}
