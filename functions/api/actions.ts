import type { App } from '../compose.ts';
import type { ActionsAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import { badParameter } from './http/problem.ts';
import { parseTime } from './http/time-range.ts';
import * as parameter from './parameter-schemas.ts';

/** Creates the endpoint `GET /api/actions`. */
export function actionEndpoints({ actions, now }: Pick<App, 'actions' | 'now'>) {
  const list = endpoint('actions', {
    summary: 'What operators did, newest first: who, when, to what, why, and with which result.',
    query: {
      from: parameter.from,
      to: parameter.to,
      action: parameter.action,
      policy: parameter.policy,
      limit: parameter.limit,
      cursor: parameter.cursor,
    },
    answers: { 200: { schema: 'Actions' } },
    async handle({ query: { from, to, limit = 100, cursor, ...filters } }) {
      const time = now();
      const range = {
        ...(from === undefined ? {} : { from: parseTime('from', from, time) }),
        ...(to === undefined ? {} : { to: parseTime('to', to, time) }),
      };
      if (range.from !== undefined && range.to !== undefined && range.from >= range.to) {
        throw badParameter('from', `must be before to: the range is from ${range.from} to ${range.to}`);
      }
      // A cursor is a position in time, so it is valid with any filter.
      const after = cursor === undefined ? undefined : readKeyCursor('actions', cursor);
      const page = await actions.page({ ...range, ...filters }, limit, after);
      const next = page.cursor === undefined ? {} : { cursor: writeKeyCursor('actions', page.cursor) };
      return { jsonBody: { actions: page.actions, ...next } satisfies ActionsAnswer };
    },
  });

  return { actions: list };
}
