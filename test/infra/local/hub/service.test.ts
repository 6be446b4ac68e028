/** Tests of the service API that have no file of their own: statistics, configurations, authorization, bad requests and middleware. */
import { Agent, request as httpsRequest } from 'node:https';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../../infra/local/hub/http-listener.ts';
import { apiVersion, authorizationFor, connect, newDeviceId, refusal, sharedHub, startTestHub } from './hub-client.ts';

const { hub, raw } = await sharedHub();

const authorization = (policy?: 'iothubowner' | 'twinkeeper', expiry?: number) => authorizationFor(hub, policy, expiry);

describe('the statistics', () => {
  it('count enabled and disabled devices', async () => {
    const { responseBody: before } = await hub.operator.getRegistryStatistics();
    await hub.operator.create({ deviceId: newDeviceId() });
    await hub.operator.create({ deviceId: newDeviceId(), status: 'disabled' });
    const { responseBody: after } = await hub.operator.getRegistryStatistics();
    expect(after).toEqual({
      totalDeviceCount: before.totalDeviceCount + 2,
      enabledDeviceCount: before.enabledDeviceCount + 1,
      disabledDeviceCount: before.disabledDeviceCount + 1,
    });
    expect(JSON.parse((await raw('GET', `/statistics/service${apiVersion}`)).body)).toEqual({
      connectedDeviceCount: 0,
    });
  });
});

describe('configurations', () => {
  it('are created, read, listed, updated and deleted', async () => {
    type Configuration = Parameters<typeof hub.operator.addConfiguration>[0];
    const configuration = {
      id: 'limits',
      targetCondition: '*',
      priority: 3,
      content: { moduleContent: { 'properties.desired.x': 1 } },
    } as unknown as Configuration;
    await hub.operator.addConfiguration(configuration);
    expect((await refusal(hub.operator.addConfiguration(configuration))).response.statusCode).toBe(409);
    const { responseBody: created } = await hub.operator.getConfiguration('limits');
    expect(created).toMatchObject({
      id: 'limits',
      priority: 3,
      schemaVersion: '1.0',
      content: { moduleContent: { 'properties.desired.x': 1 } },
    });
    expect((await hub.operator.getConfigurations()).responseBody).toEqual([created]);
    await hub.operator.updateConfiguration({ ...created, priority: 4 });
    expect((await refusal(hub.operator.updateConfiguration({ ...created, priority: 5 }))).response.statusCode).toBe(
      412,
    );
    expect((await hub.operator.getConfiguration('limits')).responseBody.priority).toBe(4);
    await hub.operator.removeConfiguration('limits');
    expect((await refusal(hub.operator.getConfiguration('limits'))).response.statusCode).toBe(404);
  });
});

describe('authorization', () => {
  it('refuses a missing, wrong or expired signature with 401', async () => {
    const headers = [
      '',
      'Bearer x',
      authorization('iothubowner', 1),
      authorization('twinkeeper').replace('twinkeeper', 'iothubowner'),
    ];
    for (const header of headers) {
      const response = await raw('GET', `/devices${apiVersion}`, { headers: { authorization: header } });
      expect(response.status).toBe(401);
      expect(JSON.parse(response.body).Message).toBe('ErrorCode:IotHubUnauthorizedAccess;Unauthorized');
    }
  });

  it('makes the SDK throw an UnauthorizedError on a wrong key', async () => {
    const key = Buffer.from('another key').toString('base64');
    const stranger = connect(
      `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`,
      hub.httpsPort,
      hub.ca,
    );
    try {
      expect((await refusal(stranger.registry.list())).name).toBe('UnauthorizedError');
    } finally {
      stranger.close();
    }
  });

  it('needs a client that trusts the certificate authority', async () => {
    const agent = new Agent({ port: hub.httpsPort } as ConstructorParameters<typeof Agent>[0]);
    const rejected = new Promise<Error>((resolve) => {
      httpsRequest({ host: 'localhost', path: '/', agent }).on('error', resolve).end();
    });
    expect((await rejected) as NodeJS.ErrnoException).toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_|SELF_SIGNED/),
    });
  });
});

describe('a bad request', () => {
  it.each([
    ['without a version of the API', 'GET', '/devices', undefined, 400, 'InvalidProtocolVersion'],
    ['to an unknown path', 'GET', `/nowhere${apiVersion}`, undefined, 404, 'GenericNotFound'],
    ['to the root', 'GET', `/${apiVersion}`, undefined, 404, 'GenericNotFound'],
    ['with an unsupported method', 'POST', `/twins/x${apiVersion}`, '{}', 405, 'GenericMethodNotAllowed'],
    ['with a stray percent sign', 'GET', `/devices/100%${apiVersion}`, undefined, 400, 'ArgumentInvalid'],
    ['with an incomplete body', 'PATCH', `/twins/x${apiVersion}`, '{"tags":', 400, 'IotHubFormatError'],
    ['with no body', 'PUT', `/devices/x${apiVersion}`, undefined, 400, 'IotHubFormatError'],
    ['with a body that is no object', 'PUT', `/devices/x${apiVersion}`, '[]', 400, 'ArgumentInvalid'],
    ['with a body of 9 MB', 'POST', `/devices${apiVersion}`, ' '.repeat(9 * 1024 * 1024), 413, 'MessageTooLarge'],
    [
      'with a body nested 200,000 levels deep',
      'PATCH',
      `/twins/x${apiVersion}`,
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      400,
      'ArgumentInvalid',
    ],
    [
      'with a symmetric key that is too short',
      'PUT',
      `/devices/x${apiVersion}`,
      '{"authentication":{"type":"sas","symmetricKey":{"primaryKey":"short"}}}',
      400,
      'ArgumentInvalid',
    ],
  ])('%s is refused with the right status and error code', async (_, method, path, body, status, code) => {
    const response = await raw(method, path, body === undefined ? {} : { body });
    expect(response.status).toBe(status);
    expect(response.headers['iothub-errorcode']).toBe(code);
    // Microsoft's .NET client reads this header.
    expect(response.headers.iothuberrorcode).toBe(code);
    expect(JSON.parse(response.body).Message).toMatch(new RegExp(`^ErrorCode:${code};`));
  });
});

describe('a middleware', () => {
  it('sees each call, and may replace its answer', async () => {
    const seen: string[] = [];
    const throttled: Answer = {
      status: 429,
      body: { Message: 'ErrorCode:ThrottlingException;slow down', ExceptionMessage: '' },
    };
    const guarded = await startTestHub({
      middleware: [
        async (call, next) => {
          const answer = await next();
          seen.push(`${call.caller} ${call.callClass} ${answer.status}`);
          return answer;
        },
        async (call, next) => {
          const answer = await next();
          return call.callClass === 'statistics' ? throttled : answer;
        },
      ],
    });
    try {
      await guarded.twinkeeper.create({ deviceId: 'd' });
      const error = await refusal(guarded.operator.getRegistryStatistics());
      expect(error.name).toBe('ThrottlingError');
      expect(seen).toEqual(['twinkeeper identity 200', 'iothubowner statistics 429']);
      const calls = await (await fetch(`${guarded.controlUrl}/calls`)).json();
      expect(calls).toMatchObject({ total: 2, byStatus: { 200: 1, 429: 1 } });
    } finally {
      await guarded.close();
    }
  });
});
