import { createDeadLetterList, replayDeadLetter } from '../../shared/retry/index.ts';
import type { App } from '../compose.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import { ApiProblem } from './http/problem.ts';
import * as parameter from './parameters.ts';
import type { DeadLettersPage, ReplayAnswer } from './shapes.ts';

/** `GET /api/dead-letters` and `POST /api/dead-letters/{id}/replay`. */
export function deadLetterEndpoints({ letters, deferredQueue, settings }: App) {
  const heads = createDeadLetterList(settings.storage);

  const list = endpoint('dead-letters', {
    summary:
      'What was given up, newest first, without the events themselves: `twinkeeper dead-letters list --json` shows those.',
    query: { limit: parameter.limit, cursor: parameter.cursor },
    answers: { 200: { schema: 'DeadLetters' } },
    async handle({ query: { limit = 100, cursor } }) {
      const after = cursor === undefined ? undefined : readKeyCursor('dead-letters', cursor);
      const page = await heads.page(limit, after);
      const last = page.length === limit ? page.at(-1) : undefined;
      const next = last === undefined ? {} : { cursor: writeKeyCursor('dead-letters', last.id) };
      return { jsonBody: { letters: page, ...next } satisfies DeadLettersPage };
    },
  });

  const replay = endpoint('dead-letter-replay', {
    summary: 'Puts a dead letter back: its events are tried again at once, and the letter is gone.',
    path: { id: parameter.letterId },
    answers: { 200: { schema: 'Replayed' } },
    async handle({ path: { id } }) {
      const letter = await letters.get(id);
      if (letter?.state !== 'dead' || !(await replayDeadLetter(id, letters, deferredQueue))) {
        throw new ApiProblem('notFound', `There is no dead letter ${id}; GET /api/dead-letters lists them.`, {
          parameter: 'id',
        });
      }
      return { jsonBody: { id, status: 'replayed' } satisfies ReplayAnswer };
    },
  });

  return { 'dead-letters': list, 'dead-letter-replay': replay };
}
