/**
 * The HTTP API: one file for each resource. Parameters are checked before anything is read, errors become problem documents (RFC 9457),
 * and the document at `/api/openapi.json` is made of the same schemas.
 *
 * @module
 */
import { app } from '@azure/functions';
import { once } from '../../shared/once.ts';
import type { App } from '../compose.ts';
import { watchAnswers } from './http/flow.ts';
import { authLevelOf, type RouteName, routes } from './routes.ts';

export type * from './shapes.ts';

/** Registers everything that can be asked over HTTP, but for what is registered with the functions that it belongs to. */
export function registerApi(twinkeeper: App): void {
  // Answers can be larger than what fits into memory.
  app.setup({ enableHttpStream: true });
  watchAnswers();
  // An app that is starting, most often for an event, has no need of any of it.
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
