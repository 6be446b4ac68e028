import { createDeadLetterList, replayDeadLetter } from '../../shared/retry/index.ts';
import type { App } from '../compose.ts';
import type { DeadLettersPage, ReplayAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import { ApiProblem } from './http/problem.ts';
import * as parameter from './parameter-schemas.ts';

/** Maximum number of counts of unusable events in an answer. Each count is about one hour and one fault. */
const mostCounts = 100;

/** Creates the endpoints `GET /api/dead-letters` and `POST /api/dead-letters/{id}/replay`. */
export function deadLetterEndpoints({ deadLetters, deferredQueue, settings }: App) {
  const deadLetterList = createDeadLetterList(settings.storage);

  const list = endpoint('dead-letters', {
    summary:
      'The dead letters, newest first, without their events, and the numbers of unusable events that were only counted. ' +
      '`twinkeeper dead-letters list --json` shows the events too.',
    query: { limit: parameter.limit, cursor: parameter.cursor },
    answers: { 200: { schema: 'DeadLetters' } },
    async handle({ query: { limit = 100, cursor } }) {
      const after = cursor === undefined ? undefined : readKeyCursor('dead-letters', cursor);
      const [letters, countedOnly] = await Promise.all([
        deadLetterList.page(limit, after),
        cursor === undefined ? deadLetterList.counts(mostCounts) : [],
      ]);
      const last = letters.length === limit ? letters.at(-1) : undefined;
      const next = last === undefined ? {} : { cursor: writeKeyCursor('dead-letters', last.id) };
      return { jsonBody: { letters, ...next, countedOnly } satisfies DeadLettersPage };
    },
  });

  const replay = endpoint('dead-letter-replay', {
    summary:
      'Puts the events of a dead letter back into the queue, where they are tried at once, and removes the dead letter.',
    path: { id: parameter.deadLetterId },
    answers: { 200: { schema: 'Replayed' } },
    async handle({ path: { id } }) {
      const letter = await deadLetters.get(id);
      if (letter?.state !== 'dead' || !(await replayDeadLetter(id, deadLetters, deferredQueue))) {
        throw new ApiProblem('notFound', `There is no dead letter ${id}. GET /api/dead-letters lists all of them.`, {
          parameter: 'id',
        });
      }
      return { jsonBody: { id, status: 'replayed' } satisfies ReplayAnswer };
    },
  });

  return { 'dead-letters': list, 'dead-letter-replay': replay };
}
