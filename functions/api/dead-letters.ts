import { putBack } from '../../shared/reconcile/index.ts';
import type { App } from '../app.ts';
import { endpoint } from './endpoint.ts';
import * as parameter from './parameters.ts';
import { ApiProblem } from './problem.ts';
import type { DeadLettersPage, ReplayAnswer } from './shapes.ts';

/** `GET /api/dead-letters` and `POST /api/dead-letters/{id}/replay`. */
export function deadLetterEndpoints({ letters, deferredQueue }: App) {
  const list = endpoint('dead-letters', {
    summary:
      'What was given up, newest first, without the events themselves: `twinkeeper dead-letters list --json` shows those.',
    query: { limit: parameter.limit, cursor: parameter.letterCursor },
    answers: { 200: { schema: 'DeadLetters' } },
    async handle({ query: { limit = 100, cursor } }) {
      const page: DeadLettersPage['letters'][number][] = [];
      for await (const { id, at, reason, deviceId, state } of letters.list()) {
        // Parked letters belong to a retry that is on its way.
        if (state !== 'dead' || (cursor !== undefined && id <= cursor)) continue;
        if (page.length === limit) {
          const last = page.at(-1);
          return { jsonBody: { letters: page, cursor: last?.id ?? '' } satisfies DeadLettersPage };
        }
        page.push({ id, at, reason, deviceId });
      }
      return { jsonBody: { letters: page } satisfies DeadLettersPage };
    },
  });

  const replay = endpoint('dead-letter-replay', {
    summary: 'Puts a dead letter back: its events are tried again at once, and the letter is gone.',
    path: { id: parameter.letterId },
    answers: { 200: { schema: 'Replayed' } },
    async handle({ path: { id } }) {
      const letter = await letters.get(id);
      if (letter?.state !== 'dead' || !(await putBack(id, letters, deferredQueue))) {
        throw new ApiProblem('notFound', `There is no dead letter ${id}; GET /api/dead-letters lists them.`, {
          parameter: 'id',
        });
      }
      return { jsonBody: { id, status: 'replayed' } satisfies ReplayAnswer };
    },
  });

  return { 'dead-letters': list, 'dead-letter-replay': replay };
}
