import type { App } from '../app.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import * as parameter from './parameters.ts';
import type { SweepsAnswer } from './shapes.ts';

/** `GET /api/sweeps`. */
export function sweepEndpoints({ sweepStore }: App): readonly Endpoint[] {
  return [
    endpoint({
      name: 'sweeps',
      method: 'GET',
      route: 'sweeps',
      summary: 'The last sweeps, newest first.',
      query: { limit: parameter.wholeNumber(100, 'How many at most. 20 unless given.') },
      answers: { 200: { schema: 'Sweeps' } },
      async handle({ query: { limit = 20 } }) {
        return { jsonBody: { sweeps: await sweepStore.list(limit) } satisfies SweepsAnswer };
      },
    }),
  ];
}
