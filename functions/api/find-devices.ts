import type { Answer, Hub, Problem, QueryPage } from '../../shared/hub/index.ts';
import type { App } from '../compose.ts';
import type { FoundDevicesAnswer } from './answers.ts';
import { type DeviceSearch, deviceQuery } from './device-query.ts';
import { endpoint } from './http/endpoint.ts';
import { readKeyCursor, writeKeyCursor } from './http/key-cursor.ts';
import { ApiProblem, badCursor, badParameter, hubProblem } from './http/problem.ts';
import { createRateLimit } from './http/rate-limit.ts';
import * as parameter from './parameter-schemas.ts';

/**
 * Number of searches that one instance makes at once, and per minute. A search takes at most five pages of 1,000 ids, which are about ten
 * messages each. The searches also share the budget of calls and the daily messages of the sweeps.
 */
const searchesAtOnce = 10;
const searchesPerMinute = 3;

const defaultLimit = 100;

/** Number of pages with ids that one answer reads, when the hub cannot search for a part of an id. */
const walkedPages = 5;

type SearchedBy = FoundDevicesAnswer['searched']['by'];

/** Creates the endpoint `GET /api/devices`, which finds devices by a part of the id, by a tag, or by both. */
export function findDevicesEndpoints({ hub, now }: Pick<App, 'hub' | 'now'>) {
  const rate = createRateLimit({ burst: searchesAtOnce, perMinute: searchesPerMinute, now });
  // A search by hand must not delay repairs, so events go first.
  const lane = hub.lane('sweep');
  let refusesParts = false;

  const devices = endpoint('devices', {
    summary:
      'Finds devices of the hub by a part of the id, by a tag, or by both. Asks the hub, which takes messages of its daily quota.',
    query: { search: parameter.idPart, tag: parameter.tag, limit: parameter.limit, cursor: parameter.cursor },
    answers: { 200: { schema: 'FoundDevices' } },
    async handle({ query: { search: part, tag, limit = defaultLimit, cursor } }) {
      const list = JSON.stringify(['devices', part, tag]);
      const place = cursor === undefined ? undefined : placeOf(readKeyCursor(list, cursor));
      if (part === undefined && tag === undefined) {
        throw badParameter('search', 'is missing: give a part of a device id, or a tag such as tag=site:north');
      }
      const search = { part, tag, limit };
      if (deviceQuery(search, true) === undefined) {
        throw badParameter('tag', 'must have a name without brackets, quotes and control characters', tag);
      }
      rate.take();
      const isWalk = place?.by === 'walk' || (part !== undefined && refusesParts);
      let found = isWalk ? await walk(lane, search, place?.after) : await ask(lane, search, place?.after);
      if (!found.ok && !isWalk && part !== undefined && place === undefined && isRefusal(found.problem)) {
        refusesParts = true;
        found = await walk(lane, search, undefined);
      }
      if (!found.ok) throw problemOf(found.problem, cursor !== undefined);
      const { by, ids, read, after } = found.value;
      const next = after === undefined ? {} : { cursor: writeKeyCursor(list, `${by} ${after}`) };
      return {
        jsonBody: {
          devices: ids.map((deviceId) => ({ deviceId })),
          ...next,
          searched: { by, read, complete: after === undefined },
        } satisfies FoundDevicesAnswer,
      };
    },
  });

  return { devices };
}

type Limited = DeviceSearch & { readonly limit: number };

interface Found {
  readonly by: SearchedBy;
  readonly ids: readonly string[];
  /** Number of ids that the hub has sent. */
  readonly read: number;
  /** The continuation of the hub's query. Undefined when the search has ended. */
  readonly after: string | undefined;
}

/** Lets the hub search, and reads one page of what it finds. */
async function ask(hub: Hub, search: Limited, after: string | undefined): Promise<Answer<Found>> {
  const answer = await hub.queryPage(deviceQuery(search, true) ?? '', after, search.limit);
  if (!answer.ok) return answer;
  const ids = idsOf(answer.value);
  return { ok: true, value: { by: 'query', ids, read: ids.length, after: answer.value.continuation } };
}

/**
 * Reads some pages of ids, and keeps those that contain the part. The answer can have more ids than the limit, because a page of the hub is
 * kept whole. Ends early at a problem, when earlier pages were read.
 */
async function walk(hub: Hub, search: Limited, start: string | undefined): Promise<Answer<Found>> {
  const query = deviceQuery(search, false) ?? '';
  const found: string[] = [];
  let read = 0;
  let after = start;
  for (let pages = 0; pages < walkedPages; pages++) {
    const answer = await hub.queryPage(query, after);
    if (!answer.ok) {
      if (read === 0) return answer;
      break;
    }
    const ids = idsOf(answer.value);
    read += ids.length;
    found.push(...ids.filter((id) => id.includes(search.part ?? '')));
    after = answer.value.continuation;
    if (after === undefined || found.length >= search.limit) break;
  }
  return { ok: true, value: { by: 'walk', ids: found, read, after } };
}

function idsOf({ items }: QueryPage): readonly string[] {
  return items.flatMap(({ deviceId }) => (typeof deviceId === 'string' ? [deviceId] : []));
}

/** The place that a cursor names: how the hub is searched, and the continuation of its query. */
function placeOf(key: string): { readonly by: SearchedBy; readonly after: string } {
  const by = key.startsWith('walk ') ? 'walk' : 'query';
  return { by, after: key.slice(by.length + 1) };
}

function isRefusal(problem: Problem): boolean {
  return problem.type === 'refused' && problem.status === 400;
}

function problemOf(problem: Problem, hasCursor: boolean): ApiProblem {
  // A hub forgets the place of a query after a while.
  if (hasCursor && isRefusal(problem)) return badCursor();
  if (problem.type !== 'throttled' || problem.isSilent) return hubProblem(problem);
  const retryAfter = Math.ceil((problem.retryAfter ?? 60_000) / 1000);
  const detail =
    problem.quota === undefined
      ? `The app has no room for another query to the hub now. Try again in ${retryAfter} s.`
      : 'The messages of today are used up: the share of the app, or the quota of the hub. Searches can be made again after midnight UTC.';
  return new ApiProblem('tooMany', detail, { retryAfter, cause: problem.message });
}
