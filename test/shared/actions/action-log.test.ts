import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { TableClient } from '@azure/data-tables';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ActionIntent,
  type ActionLog,
  type ActionQuery,
  actionKinds,
  createActionLog,
  describeActor,
  describeTarget,
} from '../../../shared/actions/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

const minute = 60_000;
const start = Date.UTC(2026, 10, 20);
const by = { type: 'key', key: 'master' } as const;

let azurite: TestStorage;
let time = start;
let log: ActionLog;
beforeEach(async () => {
  azurite = await newStorageAccount();
  time = start;
  log = createActionLog(azurite.endpoints, { now: () => new Date(time), appVersion: '1.2.3' });
});
afterEach(() => vi.restoreAllMocks());

const nothing = async () => {};
/** Records an action that takes one second. The next action begins a minute after its start. */
async function act(intent: Partial<ActionIntent> = {}, run: () => Promise<unknown> = nothing): Promise<void> {
  const began = time;
  const work = async () => {
    time += 1000;
    return run();
  };
  await log
    .record({ action: 'sweep', by, ...intent }, work, () => 'It worked.')
    .finally(() => {
      time = began + minute;
    });
}

/** Reads all pages, and returns the reasons of the actions. */
async function reasons(query: ActionQuery = {}, limit = 100): Promise<readonly string[]> {
  const read: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await log.page(query, limit, cursor);
    expect(page.actions.length).toBeLessThanOrEqual(limit);
    read.push(...page.actions.map(({ reason }) => reason));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return read;
}

const rowKeys = async () =>
  (await Array.fromAsync((await openTable(azurite.endpoints, 'TwinkeeperActions')).listEntities())).map(
    ({ rowKey }) => rowKey,
  );

describe('the record of an action', () => {
  it('names who did what, when, why, with which result, and the version of the app', async () => {
    await act({ action: 'release', target: { policy: 'agent' }, reason: 'change 4711' });
    expect((await log.page({}, 10)).actions).toEqual([
      {
        v: 1,
        id: expect.any(String),
        at: '2026-11-20T00:00:00.000Z',
        action: 'release',
        by,
        target: { policy: 'agent' },
        reason: 'change 4711',
        result: 'done',
        detail: 'It worked.',
        endedAt: '2026-11-20T00:00:01.000Z',
        appVersion: '1.2.3',
      },
    ]);
  });

  it('is there before the action begins, under each question that finds it', async () => {
    const seen: unknown[] = [];
    await act({ action: 'release', target: { policy: 'agent' } }, async () => {
      for (const query of [{}, { action: 'release' }, { policy: 'agent' }, { action: 'release', policy: 'agent' }]) {
        const [record] = (await log.page(query as ActionQuery, 10)).actions;
        seen.push([record?.result, record?.detail, record?.endedAt]);
      }
    });
    expect(seen).toEqual(Array.from({ length: 4 }, () => ['started', '', undefined]));
  });

  it('has the result "started" when the process is killed during the action', async () => {
    const script = join(import.meta.dirname, 'fixtures/dies-while-acting.ts');
    const child = fork(script, [azurite.endpoints.connectionString], { execArgv: [], stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const [record, ...more] = (await log.page({ policy: 'agent' }, 10)).actions;
    expect(more).toEqual([]);
    expect(record).toMatchObject({ action: 'release', reason: 'x', result: 'started', detail: '' });
    expect(record).not.toHaveProperty('endedAt');
  });

  it('has the result "failed" after an error, which the caller gets, without the message of the error', async () => {
    const error = Object.assign(new Error('https://account/?sig=secret'), { code: 'ECONNRESET', statusCode: 503 });
    await expect(act({}, () => Promise.reject(error))).rejects.toBe(error);
    expect((await log.page({}, 10)).actions).toMatchObject([{ result: 'failed', detail: 'Error ECONNRESET 503' }]);
  });

  it('must be written, or else the action does not begin', async () => {
    await rowKeys();
    const run = vi.fn(nothing);
    vi.spyOn(TableClient.prototype, 'submitTransaction').mockRejectedValueOnce(new Error('no storage'));
    await expect(act({}, run)).rejects.toThrow('no storage');
    expect(run).not.toHaveBeenCalled();
  });

  it('has a reason that is one short line, whatever the text is', async () => {
    await act({ reason: `\u001b[2J evil\r\nline \u202e${'x'.repeat(600)}\ud83d` });
    const [reason = ''] = await reasons();
    expect(reason).toBe(`[2J evil line ${'x'.repeat(500 - 14)}`);
  });
});

describe('the list of actions', () => {
  it('is newest first, in pages, and finds each kind and policy', async () => {
    const policies = ['agent', 'agent-2'];
    for (let round = 0; round < 3; round++) {
      for (const action of actionKinds) await act({ action, reason: `${action} ${round}` });
      for (const policy of policies) await act({ action: 'release', target: { policy }, reason: `${policy} ${round}` });
    }
    const all = ['agent-2', 'agent', ...actionKinds.toReversed()];
    const expected = (names: readonly string[]) =>
      [2, 1, 0].flatMap((round) => names.map((name) => `${name} ${round}`));
    for (const limit of [1, 4, 18, 100]) expect(await reasons({}, limit)).toEqual(expected(all));
    expect(await reasons({ action: 'replay' }, 2)).toEqual(expected(['replay']));
    expect(await reasons({ policy: 'agent' }, 2)).toEqual(expected(['agent']));
    expect(await reasons({ policy: 'agent-2', action: 'release' }, 3)).toEqual(expected(['agent-2']));
    expect(await reasons({ policy: 'agent', action: 'sweep' })).toEqual([]);
  });

  it('has the actions from a time on, and before another time', async () => {
    for (let number = 0; number < 5; number++) await act({ reason: String(number) });
    const at = (number: number) => new Date(start + number * minute).toISOString();
    expect(await reasons({ from: at(1), to: at(3) })).toEqual(['2', '1']);
    expect(await reasons({ from: at(1), to: at(3) }, 1)).toEqual(['2', '1']);
    expect(await reasons({ from: at(3) })).toEqual(['4', '3']);
    expect(await reasons({ to: at(1), action: 'sweep' })).toEqual(['0']);
    expect(await reasons({ from: '1970-01-01T00:00:00.000Z', to: '9999-12-31T00:00:00.000Z' })).toHaveLength(5);
    expect(await reasons({ to: '1970-01-01T00:00:00.000Z' })).toEqual([]);
    expect(await reasons({ from: '9999-12-31T00:00:00.000Z' })).toEqual([]);
  });

  it('says that there is no next page when a page ends with the last action', async () => {
    for (let number = 0; number < 4; number++) await act();
    const first = await log.page({}, 2);
    expect(await log.page({}, 2, first.cursor)).not.toHaveProperty('cursor');
  });

  it('reads no more entities than a page needs', async () => {
    for (let number = 0; number < 8; number++) {
      await act({ action: number % 4 === 0 ? 'release' : 'sweep', target: { policy: 'agent' } });
    }
    const sizes: unknown[] = [];
    const { listEntities } = TableClient.prototype;
    vi.spyOn(TableClient.prototype, 'listEntities').mockImplementation(function (this: TableClient, options) {
      const listed = listEntities.call(this, options);
      const byPage = listed.byPage.bind(listed);
      listed.byPage = async function* (settings) {
        for await (const page of byPage(settings)) {
          sizes.push(page.length);
          yield page;
        }
      } as typeof listed.byPage;
      return listed;
    } as typeof listEntities);
    await log.page({ action: 'release', policy: 'agent' }, 1);
    await log.page({ action: 'release' }, 1);
    expect(sizes).toEqual([2, 2]);
  });
});

describe('the retention', () => {
  it('removes the actions from before a time with all their copies, and can be interrupted', async () => {
    for (let number = 0; number < 120; number++) {
      await act({ action: 'release', target: { policy: `p${number % 7}` }, reason: String(number) });
    }
    const oldest = new Date(start + 118 * minute);
    let batches = 0;
    expect(await log.removeBefore(oldest, () => batches++ === 0)).toEqual({ removed: 100, isUnfinished: true });
    expect(await log.removeBefore(oldest, () => true)).toEqual({ removed: 18, isUnfinished: false });
    expect(await reasons()).toEqual(['119', '118']);
    expect(await rowKeys()).toHaveLength(8);
  });
});

describe('a record in words', () => {
  it('says who acted, without a secret', () => {
    expect(describeActor({ type: 'user', name: 'ada@example.com', id: 'b8e1' })).toBe('ada@example.com (b8e1)');
    expect(describeActor({ type: 'commandLine', user: 'ada', host: 'build-7' })).toBe('ada@build-7');
    expect(describeActor(by)).toBe('master key');
    expect(describeActor({ type: 'app' })).toBe('noticed by the app');
    expect(describeActor({ type: 'key', key: 'none' })).toBe('no key');
  });

  it('says what the action was about', () => {
    expect(describeTarget({})).toBe('');
    expect(describeTarget({ policy: 'agent' })).toBe('policy agent');
    expect(describeTarget({ deviceId: 'd', deadLetterId: '1' })).toBe('device d, dead letter 1');
  });
});
