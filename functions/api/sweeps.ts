import type { App } from '../app.ts';
import { endpoint } from './endpoint.ts';
import * as parameter from './parameters.ts';
import type { SweepsAnswer } from './shapes.ts';

/** `GET /api/sweeps`. */
export function sweepEndpoints({ sweepStore }: App) {
  return {
    sweeps: endpoint('sweeps', {
      summary: 'The last sweeps, newest first.',
      query: { limit: parameter.wholeNumber(100, 'How many at most. 20 unless given.') },
      answers: { 200: { schema: 'Sweeps' } },
      async handle({ query: { limit = 20 } }) {
        return { jsonBody: { sweeps: await sweepStore.list(limit) } satisfies SweepsAnswer };
      },
    }),
  };
}
