import { app, type HttpResponseInit } from '@azure/functions';
import type { FailedStartAnswer } from './api/answers.ts';
import { commonHeaders } from './api/http/common-headers.ts';

/**
 * Registers the function `health` of an app that could not start. It answers `GET /api/health` with 503 and the faults of the settings and
 * policies. No key is needed, so the faults must not contain secrets.
 */
export function registerFailedStart(faults: readonly string[]): void {
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    async handler(): Promise<HttpResponseInit> {
      return {
        status: 503,
        headers: commonHeaders,
        jsonBody: { status: 'unhealthy', faults } satisfies FailedStartAnswer,
      };
    },
  });
}
