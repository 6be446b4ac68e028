import { app, type HttpRequest, type HttpResponseInit } from '@azure/functions';
import type { Twinkeeper } from '../start.ts';

/** `health`: `GET /api/health`, whether the app can do its work. */
export function registerHealth(twinkeeper: Twinkeeper): void {
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    async handler(request: HttpRequest): Promise<HttpResponseInit> {
      const { answerHealth } = await import('./check-health.ts');
      return answerHealth(request, await twinkeeper.app());
    },
  });
}
