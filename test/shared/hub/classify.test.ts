import { describe, expect, it } from 'vitest';
import { classifyBulkEntry, classifyError } from '../../../shared/hub/classify.ts';
import { untilNextDay } from '../../../shared/hub/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { bodyOf, now, sdkError } from './sdk-errors.ts';

const attempted = {
  identity: 'key',
  action: 'read twins',
  service: 'the hub',
  role: 'Reader',
  rights: 'service',
} as const;

describe('the problem of a failed call', () => {
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
  ])('with status %i %s has the matching type', (status, code, problem) => {
    const body = code === '' ? '' : bodyOf(code);
    expect(classifyError(sdkError(status, body), now)).toMatchObject({
      ...problem,
      message: expect.stringContaining(`${status} `),
    });
  });

  it.each<[string, unknown]>([
    ['a broken connection', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
    ['undefined', undefined],
    ['a string', 'no route'],
    ['an object of another form', { response: { statusCode: '404' } }],
  ])('with %s in place of a response is transient', (_, error) => {
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
  ])('with status 429 and Retry-After %j has a retryAfter of %j ms', (header, milliseconds) => {
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
  ])('with the bulk error code %j has the matching type', (errorCode, problem) => {
    expect(classifyBulkEntry({ errorCode, errorStatus: 'why' })).toMatchObject({
      ...problem,
      message: expect.stringContaining('why'),
    });
  });

  it('of a hub that runs another job already is not about the rights of the caller', () => {
    const problem = classifyError(sdkError(403, bodyOf('JobQuotaExceeded')), now, attempted);
    expect(problem).toMatchObject({ type: 'refused', status: 403, message: expect.stringMatching(/^403 .*JobQuota/) });
    expect(problem).not.toHaveProperty('access');
  });

  it.each([403, 429])('of a used-up quota with status %d waits for the next day, and is no refusal', (status) => {
    for (const code of ['IotHubQuotaExceeded', '403002']) {
      const problem = classifyError(sdkError(status, bodyOf(code, 'Total number of messages')), now, attempted);
      expect(problem).toMatchObject({ type: 'throttled', quota: 'hub', waits: true, retryAfter: untilNextDay(now) });
    }
  });

  it('has a short message without secrets and tracking ids', () => {
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

  it('exists for every error, of any form', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (error, responseBody, status) => {
        const shaped = { response: { statusCode: status, headers: error }, responseBody, message: error };
        for (const candidate of [error, shaped]) expect(typeof classifyError(candidate, now).message).toBe('string');
      }),
    );
  });
});
