import * as z from 'zod/mini';
import type { HubResource } from './deployment.ts';

const routingSchema = z.looseObject({
  endpoints: z.optional(
    z.nullable(
      z.looseObject({
        eventHubs: z.optional(
          z.nullable(z.array(z.looseObject({ name: z.string(), id: z.optional(z.nullable(z.string())) }))),
        ),
      }),
    ),
  ),
});

/** The endpoint `twinkeeper` of a hub. `undefined` when the hub has none. */
export function findEndpoint({ properties }: HubResource) {
  const { success, data } = routingSchema.safeParse(properties.routing ?? {});
  return success ? data.endpoints?.eventHubs?.find(({ name }) => name === 'twinkeeper') : undefined;
}
