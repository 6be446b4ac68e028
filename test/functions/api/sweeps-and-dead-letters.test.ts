import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeadLettersPage, ProblemAnswer, SweepsAnswer } from '../../../functions/api/answers.ts';
import { deferredQueueName } from '../../../shared/retry/index.ts';
import { openQueue } from '../../../shared/storage/index.ts';
import { sweepQueueName } from '../../../shared/sweep/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { type Api, keys, startApi } from './api-host.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

describe('GET /api/sweeps', () => {
  let now = Date.now();
  const ids: string[] = [];
  async function sweep(): Promise<void> {
    now += 1000;
    const store = createSweepStore(api.world.storage, () => new Date(now));
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('Another sweep is running.');
    ids.unshift(claim.id);
    await store.release(claim, undefined, { ...claim.row, state: 'done', endedAt: new Date(now).toISOString() });
  }

  it('pages through all sweeps, newest first, while new sweeps start', async () => {
    for (let count = 0; count < 5; count++) await sweep();
    const { status, body } = await api.get<SweepsAnswer>('sweeps');
    expect([status, body.sweeps.map(({ id, state }) => [id, state])]).toEqual([200, ids.map((id) => [id, 'done'])]);
    expect((await api.get<SweepsAnswer>('sweeps?limit=1')).body.sweeps.map(({ id }) => id)).toEqual(ids.slice(0, 1));

    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.get<SweepsAnswer>(`sweeps?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      expect([page.status, page.body.sweeps.length <= 2]).toEqual([200, true]);
      listed.push(...page.body.sweeps.map(({ id }) => id));
      cursor = page.body.cursor;
      await sweep();
    } while (cursor !== undefined);
    expect(listed).toEqual(ids.slice(-listed.length));
    expect(listed.length).toBeGreaterThanOrEqual(5);
  });

  it('shows a running sweep with the counts of the work items done so far', async () => {
    now += 1000;
    const store = createSweepStore(api.world.storage, () => new Date(now));
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('Another sweep is running.');
    ids.unshift(claim.id);
    await store.renew(claim, undefined, { ...claim.row, parts: 2, hubCalls: 1 });
    await store.recordWorkItem(claim.id, '1-0', { examined: 10, found: 4, changed: 3, hubCalls: 12, deferred: 1 });
    const { body } = await api.get<SweepsAnswer>('sweeps?limit=1');
    expect(body.sweeps).toMatchObject([{ id: claim.id, state: 'running', parts: 2, partsDone: 1, hubCalls: 13 }]);
    await store.release(claim, undefined, { ...claim.row, state: 'done' });
  });
});

describe('POST /api/sweep', () => {
  it('queues the start of a sweep', async () => {
    const queue = await openQueue(api.world.storage, sweepQueueName);
    await queue.clearMessages();
    const { status, body } = await api.post('sweep');
    expect([status, body]).toEqual([202, { status: 'accepted', detail: expect.stringContaining('within seconds') }]);
    const { receivedMessageItems } = await queue.receiveMessages();
    expect(receivedMessageItems.map(({ messageText }) => JSON.parse(atob(messageText)) as unknown)).toEqual([
      { v: 1, type: 'start', at: expect.stringMatching(/^20.*Z$/) },
    ]);
  });

  it('queues nothing when a parameter or the key is wrong', async () => {
    const queue = await openQueue(api.world.storage, sweepQueueName);
    await queue.clearMessages();
    expect((await api.post<ProblemAnswer>('sweep?policy=agent')).body).toMatchObject({ parameter: 'policy' });
    for (const key of ['', 'wrong', keys.functionKey]) expect((await api.post('sweep', { key })).status).toBe(401);
    expect((await queue.peekMessages()).peekedMessageItems).toEqual([]);
  });
});

describe('the API of dead letters', () => {
  const event = { body: { version: 1 }, properties: {}, systemProperties: {} };
  const put = (reason: string, state: 'dead' | 'parked' = 'dead') =>
    api.world.deadLetters.put({ deviceId: 'lost', reason, state, event });

  it('lists all dead letters page by page, newest first, while new ones arrive, and leaves out parked ones', async () => {
    const ids = new Set<string>();
    for (let count = 0; count < 5; count++) ids.add(await put(`reason ${count}`));
    const parked = await put('parked', 'parked');
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const { status, body } = await api.get<DeadLettersPage>(
        `dead-letters?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`,
      );
      expect([status, body.letters.length <= 2]).toEqual([200, true]);
      listed.push(...body.letters.map(({ id }) => id));
      cursor = body.cursor;
      await put('arrived meanwhile');
      // The dead letter that the cursor names may be removed before the next page of results is read.
      if (listed.length === 2) await api.world.deadLetters.remove(listed[1] ?? '');
    } while (cursor !== undefined);
    expect(listed).toEqual(listed.toSorted());
    expect(new Set(listed)).toEqual(ids);
    expect(listed).not.toContain(parked);
    const { body } = await api.get<DeadLettersPage>('dead-letters?limit=1000');
    expect(body.letters[0]).toEqual({
      id: expect.any(String),
      at: expect.any(String),
      deviceId: 'lost',
      reason: 'arrived meanwhile',
    });
  });

  it('lists the unusable events that were only counted, on the first page', async () => {
    const unusable = { event, fault: 'badBody' as const, reason: 'the body is text', deviceId: 'd' };
    await api.world.deadLetters.putUnusable(Array.from({ length: 102 }, () => unusable));
    const first = await api.get<DeadLettersPage>('dead-letters?limit=5');
    expect(first.body.countedOnly).toEqual([
      {
        fault: 'badBody',
        hour: expect.any(String),
        count: 2,
        firstAt: expect.any(String),
        lastAt: expect.any(String),
        reason: 'the body is text',
      },
    ]);
    const second = await api.get<DeadLettersPage>(`dead-letters?limit=5&cursor=${first.body.cursor}`);
    expect(second.body.countedOnly).toEqual([]);
  });

  it('replays a dead letter once', async () => {
    const queue = await openQueue(api.world.storage, deferredQueueName);
    await queue.clearMessages();
    const id = await put('to be replayed');
    expect(await api.post(`dead-letters/${id}/replay`)).toMatchObject({
      status: 200,
      body: { id, status: 'replayed' },
    });
    const { receivedMessageItems } = await queue.receiveMessages();
    const messages = receivedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString());
    expect(messages.map((text) => JSON.parse(text) as unknown)).toMatchObject([{ attempt: 0, isReplay: true }]);
    const again = await api.post<ProblemAnswer>(`dead-letters/${id}/replay`);
    expect([again.status, again.body.parameter]).toEqual([404, 'id']);
  });

  it('does not replay a parked letter, whose retry is in the queue', async () => {
    const id = await put('too large', 'parked');
    expect((await api.post(`dead-letters/${id}/replay`)).status).toBe(404);
    expect(await api.world.deadLetters.get(id)).toBeDefined();
  });

  it.each([
    ['limit=0', 'limit'],
    ['cursor=zzz', 'cursor'],
    ['cursor=9~~', 'cursor'],
    ['state=parked', 'state'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(`dead-letters?${query}`);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });

  it.each(['9', '0', "x' or true"])('refuses the id %s', async (id) => {
    const { status, body } = await api.post<ProblemAnswer>(`dead-letters/${encodeURIComponent(id)}/replay`);
    expect([status, body.parameter]).toEqual([400, 'id']);
  });
});
