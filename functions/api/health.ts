import { app, type HttpRequest, type HttpResponseInit } from '@azure/functions';
import type { App } from '../compose.ts';

/**
 * Registers the function `health`, which answers `GET /api/health` without a key. The code of the health check is loaded on the first
 * request.
 */
export function registerHealth(twinkeeper: App): void {
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    async handler(request: HttpRequest): Promise<HttpResponseInit> {
      const { answerHealth } = await import('./answer-health.ts');
      return answerHealth(request, twinkeeper);
    },
  });
}
