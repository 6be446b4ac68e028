import type { App } from '../compose.ts';
import type { OpenPage, OpenThenPage } from './answers.ts';
import { orBadCursor, readDriftCursor, writeDriftCursor } from './drift-cursor.ts';
import { endpoint } from './http/endpoint.ts';
import { badCursor } from './http/problem.ts';
import { pastTime } from './http/time-range.ts';
import { toOpenRow, toRowThen } from './open-row.ts';
import * as parameter from './parameter-schemas.ts';
import { moment, readStandingAt, type StandingSource } from './standing-at.ts';

const defaultLimit = 100;

/** Creates the endpoint `GET /api/drift/open`, which tells what is open now, or what was open at a time. */
export function openDriftEndpoints(app: StandingSource & Pick<App, 'now'>) {
  const { history, now } = app;
  const open = endpoint('drift-open', {
    summary:
      'The drift that is open now, with the reason why it is not repaired: of a policy, of a device, or all. With `at`: what was open then, and ' +
      'what was in force.',
    query: {
      policy: parameter.policy,
      deviceId: parameter.deviceId,
      at: parameter.at,
      limit: parameter.limit,
      cursor: parameter.cursor,
    },
    answers: { 200: { schema: 'OpenPage' } },
    async handle({ query: { policy, deviceId, at, limit = defaultLimit, cursor } }) {
      const query = { ...(policy === undefined ? {} : { policy }), ...(deviceId === undefined ? {} : { deviceId }) };
      if (at === undefined) {
        const page = await orBadCursor(() => history.open(query, limit, cursor));
        return { jsonBody: { ...page, rows: page.rows.map(toOpenRow) } satisfies OpenPage };
      }
      const asked = { from: at, to: undefined };
      const position = cursor === undefined ? undefined : readDriftCursor(cursor, asked);
      const time = position === undefined ? pastTime('at', at, now()) : (position.range.from ?? '');
      // A forged cursor can hold a day that does not exist, or a time to come.
      if (Number.isNaN(Date.parse(time)) || time > now().toISOString()) throw badCursor();
      const page = await orBadCursor(() => history.during({ ...query, ...moment(time) }, limit, position?.after));
      const next =
        page.cursor === undefined
          ? {}
          : { cursor: writeDriftCursor({ asked, range: { from: time }, after: page.cursor }) };
      // What was in force is the same for all pages.
      const standing = position === undefined ? { standing: await readStandingAt(app, time) } : {};
      return {
        jsonBody: { rows: page.rows.map((row) => toRowThen(row, time)), ...next, ...standing } satisfies OpenThenPage,
      };
    },
  });

  return { 'drift-open': open };
}
