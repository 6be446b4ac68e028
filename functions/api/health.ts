import { app, type HttpRequest, type HttpResponseInit } from '@azure/functions';
import type { LazyApp } from '../lazy-app.ts';

/**
 * Registers the function `health`, which answers `GET /api/health` without a key. The code of the health check is loaded on the first
 * request.
 */
export function registerHealth(twinkeeper: LazyApp): void {
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    async handler(request: HttpRequest): Promise<HttpResponseInit> {
      const [{ answerHealth }, loaded] = await Promise.all([import('./answer-health.ts'), twinkeeper.load()]);
      return answerHealth(request, loaded);
    },
  });
}
