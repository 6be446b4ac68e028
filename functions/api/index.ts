/**
 * The HTTP API: one file for each resource. Parameters are checked before anything is read, errors become problem documents (RFC 9457),
 * and the document at `/api/openapi.json` is made of the same schemas.
 *
 * @module
 */
import { app } from '@azure/functions';
import { once } from '../../shared/once.ts';
import type { App } from '../app.ts';
import { deadLetterEndpoints } from './dead-letters.ts';
import { deviceEndpoints } from './devices.ts';
import { driftEndpoints } from './drift.ts';
import { type Description, type Endpoint, endpoint, register } from './endpoint.ts';
import { watchAnswers } from './flow.ts';
import { policyEndpoints } from './policies.ts';
import { summaryEndpoints } from './summary.ts';
import { sweepEndpoints } from './sweeps.ts';

export type * from './shapes.ts';

/** Registers everything that can be asked over HTTP, but for what is registered with the functions that it belongs to. */
export function registerApi(twinkeeper: App): void {
  app.setup({ enableHttpStream: true });
  watchAnswers();
  for (const each of apiEndpoints(twinkeeper)) register(each);
}

/** Every endpoint that {@link registerApi} registers. */
export function apiEndpoints(twinkeeper: App): readonly Endpoint[] {
  const endpoints = [
    ...driftEndpoints(twinkeeper),
    ...summaryEndpoints(twinkeeper),
    ...deviceEndpoints(twinkeeper),
    ...policyEndpoints(twinkeeper),
    ...sweepEndpoints(twinkeeper),
    ...deadLetterEndpoints(twinkeeper),
  ];
  // Made when it is first asked for: an app that is starting has no need of it.
  const document = once(async () => {
    const { toOpenApi } = await import('./openapi.ts');
    return toOpenApi([...endpoints, ...elsewhere, openApi]);
  });
  const openApi: Endpoint = endpoint({
    name: 'openapi',
    method: 'GET',
    route: 'openapi.json',
    summary: 'This document.',
    answers: { 200: { schema: 'OpenApi' } },
    handle: async () => ({ jsonBody: await document() }),
  });
  return [...endpoints, openApi];
}

/** Functions that answer over HTTP and are registered elsewhere. */
const elsewhere: readonly Description[] = [
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
    summary: 'All of this as a page.',
    path: {},
    query: {},
    answers: { 200: { forms: ['text/html'] } },
  },
  {
    name: 'sweep-start',
    method: 'POST',
    route: 'sweep',
    authLevel: 'admin',
    summary: 'Asks for a sweep now.',
    path: {},
    query: {},
    answers: { 202: { schema: 'SweepAccepted' } },
  },
];
