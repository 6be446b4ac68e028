/** Tests the search for devices against a local hub. */
import { HttpRequest, type InvocationContext } from '@azure/functions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FoundDevicesAnswer } from '../../../functions/api/answers.ts';
import { findDevicesEndpoints } from '../../../functions/api/find-devices.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { atQueries, inPagesOf, intercepted } from '../../support/disturbed-hub.ts';
import { startWorld } from '../../support/world.ts';

let world: Awaited<ReturnType<typeof startWorld>>;
beforeAll(async () => {
  world = await startWorld();
  const tags = { site: 'north', line: 3 };
  for (const deviceId of ['press-01', 'press-02', 'express-7', 'Press-9', "it's", 'pump']) {
    world.hub.registry.create({ deviceId }, {});
    const patch = { tags: deviceId.startsWith('press') ? tags : { line: '3' } };
    world.hub.registry.patchTwin({ deviceId }, patch, '*');
  }
});
afterAll(() => world?.close());

const context = { invocationId: 'it', error: () => {}, log: () => {} } as unknown as InvocationContext;

/** Searches through a hub client. Each call makes an endpoint of its own, and `ask` sends one request to it. */
function searching(hub: Hub = world.hubClient, now = () => new Date()) {
  const { devices } = findDevicesEndpoints({ hub, now });
  return async (query: string) => {
    const request = new HttpRequest({ method: 'GET', url: `http://localhost/api/devices?${query}` });
    const { status = 200, jsonBody, body, headers } = await devices.answer(request, context);
    return { status, headers, found: jsonBody as FoundDevicesAnswer, problem: String(body) };
  };
}

const idsOf = ({ devices }: FoundDevicesAnswer) => devices.map(({ deviceId }) => deviceId).toSorted();

/** A hub that refuses the functions of queries that are not documented for twins. */
const plainHub = (hub: Hub) =>
  atQueries(
    hub,
    (query) => query.includes('CONTAINS'),
    () => ({ ok: false, problem: { type: 'refused', status: 400, message: 'no such function' } }),
  );

describe('GET /api/devices', () => {
  it.each([
    ['search=press', ['express-7', 'press-01', 'press-02']],
    ['search=-0', ['press-01', 'press-02']],
    [`search=${encodeURIComponent("t's")}`, ["it's"]],
    ['search=nobody', []],
    ['tag=site:north', ['press-01', 'press-02']],
    ['tag=site:south', []],
    ['tag=site', ['press-01', 'press-02']],
    ['tag=line:3', ['Press-9', 'express-7', "it's", 'press-01', 'press-02', 'pump']],
    ['tag=line:3&search=ump', ['pump']],
  ])('finds %s, and says that the hub has searched all devices', async (query, ids) => {
    const { found } = await searching()(query);
    expect(idsOf(found)).toEqual(ids);
    expect([found.searched, found.cursor]).toEqual([{ by: 'query', read: ids.length, complete: true }, undefined]);
  });

  it('gives every device once, page by page, and says when the search has ended', async () => {
    const ask = searching();
    const all: string[] = [];
    let cursor: string | undefined;
    do {
      const { found } = await ask(`search=press&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      all.push(...idsOf(found));
      expect(found.searched.complete).toBe(found.cursor === undefined);
      cursor = found.cursor;
    } while (cursor !== undefined);
    expect(all.toSorted()).toEqual(['express-7', 'press-01', 'press-02']);
  });

  it('refuses the cursor of another search', async () => {
    const ask = searching();
    const { cursor = '' } = (await ask('search=press&limit=1')).found;
    expect(cursor).not.toBe('');
    for (const other of ['search=pump', 'search=press&tag=site', 'tag=site']) {
      expect((await ask(`${other}&limit=1&cursor=${cursor}`)).status).toBe(400);
    }
  });

  it('compares the ids itself where the hub cannot search for a part, in bounded steps', async () => {
    const ask = searching(plainHub(inPagesOf(1, world.hubClient)));
    const first = (await ask('search=press')).found;
    expect(first.searched).toEqual({ by: 'walk', read: 5, complete: false });
    const second = (await ask(`search=press&cursor=${first.cursor}`)).found;
    expect(second.searched).toEqual({ by: 'walk', read: 1, complete: true });
    expect([...idsOf(first), ...idsOf(second)].toSorted()).toEqual(['express-7', 'press-01', 'press-02']);
    expect(idsOf((await ask('search=press&tag=site:north')).found)).toEqual(['press-01', 'press-02']);
  });

  it('asks the hub only once for what it refuses', async () => {
    let refused = 0;
    const counted = atQueries(
      world.hubClient,
      (query) => query.includes('CONTAINS'),
      () => {
        refused++;
        return { ok: false, problem: { type: 'refused', status: 400, message: 'no such function' } };
      },
    );
    const ask = searching(counted);
    for (let times = 0; times < 3; times++) expect((await ask('search=pump')).found.devices).toHaveLength(1);
    expect(refused).toBe(1);
  });

  it.each([
    [{ type: 'throttled', message: 'm', waits: true, quota: 'share' }, 429, 'The messages of today are used up'],
    [{ type: 'throttled', message: 'm', waits: true, retryAfter: 1500 }, 429, 'Try again in 2 s.'],
    [{ type: 'transient', message: 'secret words' }, 503, 'does not answer'],
    [{ type: 'refused', status: 401, message: 'secret words' }, 503, 'denies Twinkeeper access'],
  ])('says so when the hub answers with %o', async (problem, status, text) => {
    const answer = await searching(
      atQueries(
        world.hubClient,
        () => true,
        () => ({ ok: false, problem }) as never,
      ),
    )('search=a');
    expect([answer.status, answer.problem.includes(text)]).toEqual([status, true]);
    expect(answer.problem).not.toContain('secret words');
  });

  it('makes at most ten searches at once and three a minute, after events', async () => {
    let time = Date.now();
    const lanes = new Set<unknown>();
    let calls = 0;
    const hub = intercepted(world.hubClient, (call) => {
      if (call === 'queryPage') calls++;
      return undefined;
    });
    const watched = new Proxy(hub, {
      get: (target, key) =>
        key === 'lane'
          ? (lane: 'events' | 'sweep') => {
              lanes.add(lane);
              return target.lane(lane);
            }
          : Reflect.get(target, key),
    });
    const ask = searching(watched, () => new Date(time));
    for (let number = 0; number < 12; number++) await ask('search=pump');
    expect([calls, [...lanes]]).toEqual([10, ['sweep']]);
    expect(await ask('search=pump')).toMatchObject({ status: 429, headers: { 'retry-after': '20' } });
    time += 60_000;
    for (let number = 0; number < 5; number++) await ask('search=pump');
    expect(calls).toBe(13);
  });
});
