import { once } from '../../shared/once.ts';
import type { App } from '../compose.ts';
import { actionEndpoints } from './actions.ts';
import { healthEndpoints } from './answer-health.ts';
import { deadLetterEndpoints } from './dead-letters.ts';
import { deviceEndpoints } from './devices.ts';
import { driftEndpoints } from './drift.ts';
import { openDriftEndpoints } from './drift-open.ts';
import { findDevicesEndpoints } from './find-devices.ts';
import { type Endpoint, type EndpointDescription, endpoint } from './http/endpoint.ts';
import { createSlots } from './http/slots.ts';
import { policyEndpoints } from './policies.ts';
import { policyVersionEndpoints } from './policy-versions.ts';
import { releaseEndpoints } from './release.ts';
import type { RouteName } from './routes.ts';
import { summaryEndpoints } from './summary.ts';
import { sweepEndpoints } from './sweeps.ts';

/** Number of exports and of summaries of long ranges that one instance answers at the same time. Each can read the whole history. */
const wideReadsAtOnce = 4;

/** Creates the endpoints of all routes in the route table `routes`. */
export function apiEndpoints(twinkeeper: App): Readonly<Record<RouteName, Endpoint>> {
  const wideReads = createSlots(wideReadsAtOnce);
  const endpoints = {
    ...driftEndpoints(twinkeeper, wideReads),
    ...openDriftEndpoints(twinkeeper),
    ...summaryEndpoints(twinkeeper, wideReads),
    ...findDevicesEndpoints(twinkeeper),
    ...deviceEndpoints(twinkeeper),
    ...policyEndpoints(twinkeeper),
    ...policyVersionEndpoints(twinkeeper),
    ...releaseEndpoints(twinkeeper),
    ...sweepEndpoints(twinkeeper),
    ...actionEndpoints(twinkeeper),
    ...deadLetterEndpoints(twinkeeper),
    ...healthEndpoints(twinkeeper),
  };
  const document = once(async () => {
    const { toOpenApi } = await import('./openapi.ts');
    return toOpenApi([...Object.values(endpoints), openapi, ...otherFunctions]);
  });
  const operatorDocument = once(async () => {
    const { toOperatorOpenApi } = await import('./operator-openapi.ts');
    return toOperatorOpenApi(await document());
  });
  const openapi: Endpoint = endpoint('openapi', {
    summary: 'This document.',
    answers: { 200: { schema: 'OpenApi' } },
    handle: async ({ caller }) => ({ jsonBody: await (caller.type === 'user' ? operatorDocument() : document()) }),
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
    summary: 'Whether the hub and the storage account can be reached. Checked at most every 30 seconds.',
    path: {},
    query: {},
    answers: { 200: { schema: 'Health' }, 503: { schema: 'Unhealthy' } },
  },
  {
    name: 'dashboard',
    method: 'GET',
    route: 'dashboard',
    authLevel: 'anonymous',
    summary:
      'The dashboard: a page that shows the data of this API. The page has no data itself, and reads it with the key in its address.',
    path: {},
    query: {},
    answers: { 200: { mediaTypes: ['text/html'] } },
  },
];
