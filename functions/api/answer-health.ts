import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { App } from '../compose.ts';
import type { HealthAnswer, HealthDetails } from './answers.ts';
import { commonHeaders } from './http/common-headers.ts';
import { endpoint } from './http/endpoint.ts';
import { functionKeyParameters } from './http/function-key-parameters.ts';
import { toProblemResponse, unknownParameter } from './http/problem.ts';

/**
 * Answers `GET /api/health`. Anybody can ask, so the answer has only the status, without the names of the hub and of its devices. An unknown
 * parameter gives a 400.
 */
export async function answerHealth({ query }: HttpRequest, { health }: Pick<App, 'health'>): Promise<HttpResponseInit> {
  const unknown = [...query.keys()].find((name) => !functionKeyParameters.has(name));
  if (unknown !== undefined) return toProblemResponse(unknownParameter(unknown, []));
  const { status } = await health();
  return { status: httpStatus(status), headers: commonHeaders, jsonBody: { status } satisfies HealthAnswer };
}

/** Creates the endpoint `GET /api/health/details`. */
export function healthEndpoints({ health }: Pick<App, 'health'>) {
  return {
    'health-details': endpoint('health-details', {
      summary:
        'Whether the hub and the storage account can be reached, with the reason. Checked at most every 30 seconds.',
      answers: { 200: { schema: 'HealthDetails' }, 503: { schema: 'HealthDetails' } },
      async handle() {
        const details = await health();
        return { status: httpStatus(details.status), jsonBody: details satisfies HealthDetails };
      },
    }),
  };
}

/** The HTTP status for a health status. `unknown` gives 200: the first check takes long, and has not failed. */
function httpStatus(status: HealthDetails['status']): 200 | 503 {
  return status === 'unhealthy' ? 503 : 200;
}
