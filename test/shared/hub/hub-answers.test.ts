import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/clock.ts';
import { toBulkCalls, toBulkEntry } from '../../../shared/hub/bulk.ts';
import { classifyBulkEntry, classifyError } from '../../../shared/hub/classify.ts';
import { hostOf } from '../../../shared/hub/index.ts';
import { type Attempt, type RetryOptions, withRetries } from '../../../shared/hub/retry.ts';
import { fc } from '../../support/arbitraries.ts';

const now = new Date('2026-11-22T08:00:00Z');

/** What `azure-iothub` rejects with. */
function sdkError(statusCode: number, body = '', headers: Record<string, unknown> = {}): Error {
  return Object.assign(new Error('Error: whatever the SDK calls it'), {
    response: { statusCode, headers },
    responseBody: body,
  });
}

const bodyOf = (code: string, message = 'text') =>
  JSON.stringify({ Message: `ErrorCode:${code};${message}`, ExceptionMessage: 'Tracking ID:0123' });

describe('an answer of the hub', () => {
  it.each<[number, string, object]>([
    [404, 'DeviceNotFound', { type: 'gone', what: 'device' }],
    [404, 'ModuleNotFound', { type: 'gone', what: 'module' }],
    [404, '', { type: 'gone', what: 'device' }],
    [409, 'DeviceAlreadyExists', { type: 'exists' }],
    [409, 'ModuleAlreadyExistsOnDevice', { type: 'exists' }],
    [412, 'PreconditionFailed', { type: 'conflict' }],
    [429, 'ThrottlingException', { type: 'throttled' }],
    [408, '', { type: 'transient' }],
    [500, 'ServerError', { type: 'transient' }],
    [503, 'ServiceUnavailable', { type: 'transient' }],
    [400, 'ArgumentInvalid', { type: 'refused', status: 400 }],
    [401, 'IotHubUnauthorizedAccess', { type: 'refused', status: 401 }],
    [403, 'TooManyDevices', { type: 'refused', status: 403 }],
    [413, 'TooManyModulesOnDevice', { type: 'refused', status: 413 }],
  ])('%i %s is a problem of its own kind', (status, code, problem) => {
    const body = code === '' ? '' : bodyOf(code);
    expect(classifyError(sdkError(status, body), now)).toMatchObject({
      ...problem,
      message: expect.stringContaining(`${status} `),
    });
  });

  it.each<[string, unknown]>([
    ['a broken connection', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
    ['nothing', undefined],
    ['text', 'no route'],
    ['an odd object', { response: { statusCode: '404' } }],
  ])('that is %s is transient', (_, error) => {
    expect(classifyError(error, now)).toMatchObject({
      type: 'transient',
      message: expect.stringContaining('no answer from the hub'),
    });
  });

  it.each<[string | undefined, number | undefined]>([
    ['7', 7000],
    ['0.5', 500],
    ['0', 0],
    [undefined, undefined],
    ['', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['1e400', undefined],
    ['2026-11-22', undefined],
    ['Sun, 22 Nov 2026 08:00:30 GMT', 30_000],
    ['Sunday, 22-Nov-26 08:01:00 GMT', 60_000],
    ['Sun Nov 22 08:02:00 2026 GMT', 120_000],
    ['Sun, 22 Nov 2026 07:59:00 GMT', 0],
    ['Sun, 99 Nov 2026 07:59:00 GMT', undefined],
  ])('that is throttled with Retry-After %j is to be asked again after %j ms', (header, milliseconds) => {
    const problem = classifyError(sdkError(429, '', header === undefined ? {} : { 'retry-after': header }), now);
    expect('retryAfter' in problem ? problem.retryAfter : undefined).toBe(milliseconds);
  });

  it.each<[unknown, object]>([
    ['DeviceNotFound', { type: 'gone', what: 'device' }],
    ['ModuleNotFound', { type: 'gone', what: 'module' }],
    ['DeviceAlreadyExists', { type: 'exists' }],
    ['ModuleAlreadyExistsOnDevice', { type: 'exists' }],
    ['PreconditionFailed', { type: 'conflict' }],
    ['ThrottlingException', { type: 'throttled' }],
    ['ThrottleBacklogLimitExceeded', { type: 'throttled' }],
    ['ServerError', { type: 'transient' }],
    ['ServiceUnavailable', { type: 'transient' }],
    ['GenericTimeout', { type: 'transient' }],
    ['ArgumentInvalid', { type: 'refused', status: 400 }],
    ['TooManyModulesOnDevice', { type: 'refused', status: 400 }],
    [404001, { type: 'gone', what: 'device' }],
    [404010, { type: 'gone', what: 'module' }],
    ['404010', { type: 'gone', what: 'module' }],
    [409301, { type: 'exists' }],
    [412001, { type: 'conflict' }],
    [429001, { type: 'throttled' }],
    [500001, { type: 'transient' }],
    [413003, { type: 'refused', status: 413 }],
    [undefined, { type: 'refused', status: 400 }],
    [{}, { type: 'refused', status: 400 }],
  ])('to one entry of a bulk call, %j, is a problem of its own kind', (errorCode, problem) => {
    expect(classifyBulkEntry({ errorCode, errorStatus: 'why' })).toMatchObject({
      ...problem,
      message: expect.stringContaining('why'),
    });
  });

  it('never brings a secret into a message, nor the tracking id, nor more than a few lines', () => {
    const secrets = [
      'SharedAccessSignature sr=my-hub&sig=c2VjcmV0&se=1&skn=owner',
      'HostName=h;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0',
      'https://host/path?sr=x&sig=c2VjcmV0&se=1',
    ];
    for (const text of secrets) {
      const problems = [
        classifyError(sdkError(401, bodyOf('IotHubUnauthorizedAccess', text)), now),
        classifyError(sdkError(500, `<html>${text}</html>`), now),
        classifyError(new Error(`connect failed: ${text}`), now),
        classifyBulkEntry({ errorCode: 'ArgumentInvalid', errorStatus: text }),
      ];
      for (const { message } of problems) {
        expect(message).not.toContain('c2VjcmV0');
        expect(message).not.toContain('Tracking');
      }
    }
    expect(classifyError(sdkError(500, 'x'.repeat(100_000)), now).message.length).toBeLessThan(400);
  });

  it('of any shape is classified without a throw', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (error, responseBody, status) => {
        const shaped = { response: { statusCode: status, headers: error }, responseBody, message: error };
        for (const candidate of [error, shaped]) expect(typeof classifyError(candidate, now).message).toBe('string');
      }),
    );
  });
});

describe('asking again', () => {
  const options: RetryOptions = { retries: 4, firstDelay: 100, longestDelay: 10_000 };

  /** Makes calls that are answered with these errors, and a value when there are none left. */
  async function ask(errors: readonly unknown[], settings: Partial<RetryOptions> = {}, random = 0.5) {
    const sleeps: number[] = [];
    const clock: Clock = { now: () => new Date(0), sleep: async (milliseconds) => void sleeps.push(milliseconds) };
    let calls = 0;
    const attempt = async (): Promise<Attempt<string>> => {
      const error = errors[calls++];
      return error === undefined ? { ok: true, value: 'value' } : { ok: false, problem: classifyError(error, now) };
    };
    return { answer: await withRetries(attempt, { ...options, ...settings }, clock, () => random), calls, sleeps };
  }

  it('is not needed when the first answer is a value', async () => {
    expect(await ask([])).toEqual({ answer: { ok: true, value: 'value' }, calls: 1, sleeps: [] });
  });

  it.each([400, 401, 403, 404, 409, 412])('does not happen on %i', async (status) => {
    expect(await ask([sdkError(status)])).toMatchObject({ answer: { ok: false }, calls: 1, sleeps: [] });
  });

  it.each([408, 429, 500, 502, 503])('happens on %i, until there is a value', async (status) => {
    expect(await ask([sdkError(status), sdkError(status)])).toMatchObject({ answer: { ok: true }, calls: 3 });
  });

  it('happens on a broken connection, whatever kind of error tells of it', async () => {
    const errors = [new TypeError('fetch failed'), new Error('ECONNRESET'), 'text'];
    expect(await ask(errors)).toMatchObject({ answer: { ok: true }, calls: 4 });
  });

  it('waits twice as long each time, and no longer than the longest delay', async () => {
    const errors = Array<Error>(4).fill(sdkError(503));
    expect((await ask(errors)).sleeps).toEqual([100, 200, 400, 800]);
    expect((await ask(errors, { longestDelay: 300 })).sleeps).toEqual([100, 200, 300, 300]);
  });

  it('is jittered by half', async () => {
    const errors = Array<Error>(2).fill(sdkError(503));
    expect((await ask(errors, {}, 0)).sleeps).toEqual([50, 100]);
    expect((await ask(errors, {}, 1)).sleeps).toEqual([150, 300]);
  });

  it('does not wait for Retry-After, which all calls of a class wait for together', async () => {
    const throttled = sdkError(429, '', { 'retry-after': '2' });
    expect((await ask([throttled, throttled])).sleeps).toEqual([100, 200]);
  });

  it('does not happen where an attempt is final', async () => {
    const problem = { type: 'throttled', message: 'no room', retryAfter: 5 } as const;
    const attempt = async (): Promise<Attempt<string>> => ({ ok: false, problem, final: true });
    const clock: Clock = { now: () => new Date(0), sleep: () => expect.unreachable('nothing to wait for') };
    expect(await withRetries(attempt, options, clock, () => 0.5)).toEqual({ ok: false, problem });
  });

  it('ends after all retries with the last problem, without a last wait', async () => {
    const errors = [...Array<Error>(4).fill(sdkError(503)), sdkError(429, bodyOf('ThrottlingException'))];
    const { answer, calls, sleeps } = await ask(errors);
    expect(answer).toMatchObject({ ok: false, problem: { type: 'throttled' } });
    expect({ calls, waits: sleeps.length }).toEqual({ calls: 5, waits: 4 });
  });

  it('ends at once when the next answer is one that asking cannot change', async () => {
    const { answer, calls } = await ask([sdkError(503), sdkError(412), sdkError(503)]);
    expect(answer).toMatchObject({ ok: false, problem: { type: 'conflict' } });
    expect(calls).toBe(2);
  });
});

describe("a hub's address", () => {
  it.each([
    [{ hostName: 'my-hub.azure-devices.net' }, 'my-hub.azure-devices.net', 443],
    [{ hostName: 'localhost:8443' }, 'localhost', 8443],
    [{ connectionString: 'HostName=h.net;SharedAccessKeyName=n;SharedAccessKey=k=' }, 'h.net', 443],
    [{ connectionString: 'SharedAccessKey=k=;hostname=localhost:99;SharedAccessKeyName=n' }, 'localhost', 99],
    [{ connectionString: 'nonsense' }, '', 443],
  ])('%j is host %s and port %i', (address, host, port) => {
    expect(hostOf(address)).toEqual({ host, port });
  });
});

describe('bulk calls', () => {
  const modules = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 3 })), { maxLength: 400 })
    .map((pairs) =>
      pairs.map(([device, module], index) => ({
        deviceId: `d${device}`,
        moduleId: `m${module}`,
        desired: { index },
        tags: {},
      })),
    );

  it('hold each module once, at most 100, no device twice, in order', () => {
    fc.assert(
      fc.property(modules, (all) => {
        const calls = toBulkCalls(all);
        expect(calls.flat().length).toBe(all.length);
        expect(new Set(calls.flat())).toEqual(new Set(all));
        for (const call of calls) {
          expect(call.length).toBeGreaterThan(0);
          expect(call.length).toBeLessThanOrEqual(100);
          expect(new Set(call.map(({ deviceId }) => deviceId)).size).toBe(call.length);
        }
        for (const [device, its] of Map.groupBy(all, ({ deviceId }) => deviceId)) {
          expect(calls.flat().filter(({ deviceId }) => deviceId === device)).toEqual(its);
        }
      }),
    );
  });

  it('are as few as can be', () => {
    const count = (all: readonly { deviceId: string }[]) => {
      const most = Math.max(0, ...[...Map.groupBy(all, ({ deviceId }) => deviceId).values()].map((its) => its.length));
      return Math.max(most, Math.ceil(all.length / 100));
    };
    fc.assert(
      fc.property(modules, (all) => {
        expect(toBulkCalls(all).length).toBe(count(all));
      }),
    );
  });

  it('of 100 devices with a module each is one, with two modules each two, and of 150 with two each three', () => {
    const one = Array.from({ length: 100 }, (_, n) => ({ deviceId: `d${n}`, moduleId: 'm', desired: {}, tags: {} }));
    expect(toBulkCalls(one).map((call) => call.length)).toEqual([100]);
    expect(toBulkCalls([...one, ...one.slice(0, 1).map((module) => ({ ...module, deviceId: 'e' }))])).toHaveLength(2);
    const more = [...one, ...one.slice(0, 50).map((module) => ({ ...module, deviceId: `e${module.deviceId}` }))];
    const twoEach = more.flatMap((module) => [module, { ...module, moduleId: 'n' }]);
    expect(toBulkCalls(twoEach).map((call) => call.length)).toEqual([100, 100, 100]);
    const two = one.flatMap((module) => [module, { ...module, moduleId: 'n' }]);
    expect(toBulkCalls(two).map((call) => call.length)).toEqual([100, 100]);
  });

  it('leave authentication to the hub', () => {
    expect(toBulkEntry({ deviceId: 'd', moduleId: 'm', desired: { a: 1 }, tags: { t: 2 } })).toEqual({
      deviceId: 'd',
      moduleId: 'm',
      tags: { t: 2 },
      properties: { desired: { a: 1 } },
    });
  });
});
