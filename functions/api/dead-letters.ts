import { describeActor } from '../../shared/actions/index.ts';
import { createDeadLetterList, describeReplay, replayDeadLetter } from '../../shared/retry/index.ts';
import type { App } from '../compose.ts';
import type { DeadLettersPage, ReplayAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import { ApiProblem } from './http/problem.ts';
import * as parameter from './parameter-schemas.ts';

/** Maximum number of counts of unusable events in an answer. Each count is about one hour and one fault. */
const mostCounts = 100;

/** Creates the endpoints `GET /api/dead-letters` and `POST /api/dead-letters/{id}/replay`. */
export function deadLetterEndpoints({ actions, deadLetters, deferredQueue, settings }: App) {
  const deadLetterList = createDeadLetterList(settings.storage);

  const list = endpoint('dead-letters', {
    summary:
      'The dead letters, newest first, without their events, and the numbers of unusable events that were only counted. ' +
      '`twinkeeper dead-letters list --json` shows the events too. Letters that were replayed are listed only with `state=replayed`.',
    query: { state: parameter.letterState, limit: parameter.limit, cursor: parameter.cursor },
    answers: { 200: { schema: 'DeadLetters' } },
    async handle({ query: { state = 'dead', limit = 100, cursor } }) {
      const list = `${state} letters`;
      const after = cursor === undefined ? undefined : readKeyCursor(list, cursor);
      const [letters, countedOnly] = await Promise.all([
        deadLetterList.page(limit, after, state),
        state === 'dead' && cursor === undefined ? deadLetterList.counts(mostCounts) : [],
      ]);
      const last = letters.length === limit ? letters.at(-1) : undefined;
      const next = last === undefined ? {} : { cursor: writeKeyCursor(list, last.id) };
      return { jsonBody: { letters, ...next, countedOnly } satisfies DeadLettersPage };
    },
  });

  const replay = endpoint('dead-letter-replay', {
    summary:
      'Puts the events of a dead letter back into the queue, where they are tried at once, and marks the letter as replayed.',
    path: { id: parameter.deadLetterId },
    query: { reason: parameter.reason },
    answers: { 200: { schema: 'Replayed' } },
    async handle({ path: { id }, query: { reason = '' }, caller }) {
      const letter = await deadLetters.get(id);
      if (letter?.state !== 'dead') throw await noDeadLetter(id);
      const { deviceId } = letter;
      const isReplayed = await actions.record(
        {
          action: 'replay',
          by: caller,
          target: { deadLetterId: id, ...(deviceId === '' ? {} : { deviceId }) },
          reason,
        },
        () => replayDeadLetter(id, deadLetters, deferredQueue, describeActor(caller)),
        describeReplay,
      );
      // Another request can have replayed the letter since it was read.
      if (!isReplayed) throw await noDeadLetter(id);
      return { jsonBody: { id, status: 'replayed' } satisfies ReplayAnswer };
    },
  });

  async function noDeadLetter(id: string): Promise<ApiProblem> {
    const replayed = await deadLetters.replayOf(id);
    const why =
      replayed === undefined
        ? `There is no dead letter ${id}.`
        : `${id} was replayed at ${replayed.at} by ${replayed.by}.`;
    return new ApiProblem('notFound', `${why} GET /api/dead-letters lists all dead letters.`, { parameter: 'id' });
  }

  return { 'dead-letters': list, 'dead-letter-replay': replay };
}
