import type { App } from '../compose.ts';
import type { SweepAcceptedAnswer, SweepsAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import { shareRunning } from './http/share-running.ts';
import * as parameter from './parameter-schemas.ts';

/** Name of the memo with the time of the last `POST /api/sweep` that put a message into the queue. */
const lastRequest = 'last-request';
/** Milliseconds after which a request is queued again, although no sweep has started since the last one. */
const requestLife = 60_000;

/** Creates the endpoints `GET /api/sweeps` and `POST /api/sweep`. */
export function sweepEndpoints({
  sweepStore,
  loadSweep,
  actions,
  now,
}: Pick<App, 'sweepStore' | 'loadSweep' | 'actions' | 'now'>) {
  /** Whether a request for a sweep is still queued. One sweep serves all requests that came before its start. */
  async function isAsked(at: Date): Promise<boolean> {
    const [memo, [newest]] = await Promise.all([sweepStore.readMemo(lastRequest), sweepStore.list(1)]);
    if (memo === undefined || (newest !== undefined && newest.startedAt >= memo.at)) return false;
    return at.getTime() - Date.parse(memo.at) < requestLife;
  }

  const request = shareRunning(async () => {
    const at = now();
    if (await isAsked(at)) return;
    const { queue } = await loadSweep();
    await queue.put({ type: 'start', at: at.toISOString() });
    await sweepStore.writeMemo(lastRequest, { at: at.toISOString(), text: '' });
  });

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
    query: { reason: parameter.reason },
    answers: { 202: { schema: 'SweepAccepted' } },
    async handle({ query: { reason = '' }, caller }) {
      await actions.record(
        { action: 'sweep', by: caller, reason },
        () => request(''),
        () => 'A sweep was requested.',
      );
      const detail = 'A sweep starts within seconds. If one is running, the new sweep starts after it.';
      return { status: 202, jsonBody: { status: 'accepted', detail } satisfies SweepAcceptedAnswer };
    },
  });

  return { sweeps: list, 'sweep-start': start };
}
