import { once } from '../../shared/once.ts';
import type { App } from '../compose.ts';
import { deadLetterEndpoints } from './dead-letters.ts';
import { deviceEndpoints } from './devices.ts';
import { driftEndpoints } from './drift.ts';
import { type Endpoint, type EndpointDescription, endpoint } from './http/endpoint.ts';
import { policyEndpoints } from './policies.ts';
import type { RouteName } from './routes.ts';
import { summaryEndpoints } from './summary.ts';
import { sweepEndpoints } from './sweeps.ts';

/** Creates the endpoints of all routes in the route table `routes`. */
export function apiEndpoints(twinkeeper: App): Readonly<Record<RouteName, Endpoint>> {
  const endpoints = {
    ...driftEndpoints(twinkeeper),
    ...summaryEndpoints(twinkeeper),
    ...deviceEndpoints(twinkeeper),
    ...policyEndpoints(twinkeeper),
    ...sweepEndpoints(twinkeeper),
    ...deadLetterEndpoints(twinkeeper),
  };
  const document = once(async () => {
    const { toOpenApi } = await import('./openapi.ts');
    return toOpenApi([...Object.values(endpoints), openapi, ...otherFunctions]);
  });
  const openapi: Endpoint = endpoint('openapi', {
    summary: 'This document.',
    answers: { 200: { schema: 'OpenApi' } },
    handle: async () => ({ jsonBody: await document() }),
  });
  return { ...endpoints, openapi };
}

/** The HTTP functions that are not in the route table `routes`. The OpenAPI document describes these functions too. */
const otherFunctions: readonly EndpointDescription[] = [
  {
    name: 'health',
    method: 'GET',
    route: 'health',
    authLevel: 'anonymous',
    summary: 'Whether the hub and the storage account can be reached.',
    path: {},
    query: {},
    answers: { 200: { schema: 'Health' }, 503: { schema: 'Health' } },
  },
  {
    name: 'dashboard',
    method: 'GET',
    route: 'dashboard',
    authLevel: 'function',
    summary: 'The dashboard: a page that shows the data of this API.',
    path: {},
    query: {},
    answers: { 200: { mediaTypes: ['text/html'] } },
  },
];
