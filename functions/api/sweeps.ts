import type { App } from '../compose.ts';
import type { SweepAcceptedAnswer, SweepsAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import * as parameter from './parameter-schemas.ts';

/** Creates the endpoints `GET /api/sweeps` and `POST /api/sweep`. */
export function sweepEndpoints({ sweepStore, loadSweep }: App) {
  const list = endpoint('sweeps', {
    summary: 'The sweeps, newest first.',
    query: {
      limit: parameter.wholeNumber(100, 'The largest number of sweeps in the answer. 20 by default.'),
      cursor: parameter.cursor,
    },
    answers: { 200: { schema: 'Sweeps' } },
    async handle({ query: { limit = 20, cursor } }) {
      const after = cursor === undefined ? undefined : readKeyCursor('sweeps', cursor);
      const sweeps = await sweepStore.list(limit, after);
      const last = sweeps.length === limit ? sweeps.at(-1) : undefined;
      const next = last === undefined ? {} : { cursor: writeKeyCursor('sweeps', last.id) };
      return { jsonBody: { sweeps, ...next } satisfies SweepsAnswer };
    },
  });

  const start = endpoint('sweep-start', {
    summary: 'Requests a sweep now.',
    answers: { 202: { schema: 'SweepAccepted' } },
    async handle() {
      const { queue } = await loadSweep();
      await queue.put({ type: 'start' });
      const detail = 'A sweep starts within seconds. If one is running, the new sweep starts after it.';
      return { status: 202, jsonBody: { status: 'accepted', detail } satisfies SweepAcceptedAnswer };
    },
  });

  return { sweeps: list, 'sweep-start': start };
}
