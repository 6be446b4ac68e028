import * as z from 'zod/mini';
import type { Check } from '../check.ts';
import { hubApiVersion } from '../deployment.ts';
import { findEndpoint } from '../find-endpoint.ts';
import { fault, ok, unknown, warning } from '../finding.ts';

const healthSchema = z.looseObject({
  value: z.array(
    z.looseObject({
      endpointId: z.optional(z.nullable(z.string())),
      healthStatus: z.optional(z.nullable(z.string())),
      lastKnownError: z.optional(z.nullable(z.string())),
      lastSuccessfulSendAttemptTime: z.optional(z.nullable(z.string())),
    }),
  ),
});

export const endpointHealthCheck: Check = {
  id: 'endpoint-health',
  title: 'What the IoT hub says about its endpoint',
  async run({ deployment }) {
    const { azure, ids } = deployment;
    const endpoint = findEndpoint(await deployment.hub());
    if (endpoint === undefined) return [unknown('The hub has no endpoint twinkeeper. See "route".')];
    const { value } = await azure.read(`${ids.hub}/routingEndpointsHealth`, hubApiVersion, healthSchema);
    const health = value.find(({ endpointId }) => endpointId === endpoint.id || endpointId === endpoint.name);
    const status = health?.healthStatus ?? 'unknown';
    const sent = health?.lastSuccessfulSendAttemptTime;
    switch (status) {
      case 'healthy':
        return [ok(`The endpoint is healthy${sent ? `. The hub sent last at ${sent}` : ''}.`)];
      case 'unknown':
        return [warning('The hub has not sent anything to the endpoint yet. Give --device to send an event.')];
      default: {
        const error = health?.lastKnownError ? ` The last error was ${health.lastKnownError}.` : '';
        return [
          fault(
            `The endpoint is ${status}: the hub cannot send to it.${error} See "event-hub" and "hub-role". A dead endpoint works again after it was made anew.`,
            'npx twinkeeper disconnect',
            'npx twinkeeper connect',
          ),
        ];
      }
    }
  },
};
