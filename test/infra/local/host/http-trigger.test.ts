import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endHosts, startHost } from './fixtures/host-process.ts';

afterEach(endHosts);

const keys = { TWINKEEPER_LOCAL_FUNCTION_KEY: 'fun', TWINKEEPER_LOCAL_MASTER_KEY: 'mas' };

describe('an HTTP function', () => {
  it('receives route, query, headers and body, and its whole answer is returned', async () => {
    const host = await startHost({ app: 'http.cjs' });
    const answer = await fetch(`${host.endpoints.functionsUrl}/api/devices/a%2Fb%23/modules/m?q=1&q2=%26&x=1&x=2`, {
      method: 'POST',
      body: Buffer.from([0, 255, 10]),
      headers: { 'x-given': 'kept' },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-answer')).toBe('yes');
    expect(answer.headers.get('set-cookie')).toBe('seen=1; HttpOnly');
    expect(await answer.json()).toEqual({
      method: 'POST',
      params: { id: 'a%2Fb#', module: 'm' },
      query: { q: '1', q2: '&', x: '1,2' },
      header: 'kept',
      body: '00ff0a',
    });
  });

  it('is chosen by the most specific route and by method, else 404', async () => {
    const { endpoints } = await startHost({
      app: 'http.cjs',
      hostJson: { extensions: { http: { routePrefix: 'v1' } } },
    });
    const get = async (path: string, method = 'GET') => {
      const answer = await fetch(endpoints.functionsUrl + path, { method });
      return [answer.status, await answer.text()];
    };
    expect(await get('/v1/devices/all/modules')).toEqual([200, 'literal']);
    expect(await get('/v1/files/a/b.txt')).toEqual([200, '{"path":"a/b.txt"}']);
    expect(await get('/v1/nothing')).toEqual([204, '']);
    expect((await get('/v1/devices/x/modules', 'PUT'))[0]).toBe(201);
    expect((await get('/v1/devices/x/modules', 'DELETE'))[0]).toBe(404);
    expect((await get('/api/nothing'))[0]).toBe(404);
    expect((await get('/v1/devices/x'))[0]).toBe(404);
  });

  it('leaves the path / to a page of the host', async () => {
    const { endpoints } = await startHost({ app: 'http.cjs' });
    const answer = await fetch(endpoints.functionsUrl);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html']);
  });

  it('answers also when its streamed answer needs long to pass through the host', async () => {
    const { endpoints } = await startHost({ app: 'stream.cjs' });
    const answer = await fetch(`${endpoints.functionsUrl}/api/late`);
    expect([answer.status, await answer.text()]).toEqual([200, 'late']);
    expect((await fetch(`${endpoints.functionsUrl}/api/nothing`)).status).toBe(204);
  });

  it('requires its key, in a header or the query', async () => {
    const { endpoints } = await startHost({ app: 'http.cjs', settings: keys });
    expect(endpoints).toMatchObject({ functionKey: 'fun', masterKey: 'mas' });
    const status = async (path: string, key?: string) =>
      (await fetch(endpoints.functionsUrl + path, key === undefined ? {} : { headers: { 'x-functions-key': key } }))
        .status;
    expect(await status('/api/keyed')).toBe(401);
    expect(await status('/api/keyed', 'wrong')).toBe(401);
    expect(await status('/api/keyed', 'fun')).toBe(200);
    expect(await status('/api/keyed?code=fun')).toBe(200);
    expect(await status('/api/keyed', 'mas')).toBe(200);
    expect(await status('/api/master', 'fun')).toBe(401);
    expect(await status('/api/master', 'mas')).toBe(200);
  });

  it('that throws answers 500 without the reason, and is logged and counted', async () => {
    const host = await startHost({ app: 'http.cjs' });
    const answer = await fetch(`${host.endpoints.functionsUrl}/api/throws`);
    expect([answer.status, await answer.text()]).toEqual([500, '']);
    await host.logged(/ error throws .*secret reason/);
    const counts = await (await fetch(`${host.endpoints.functionsUrl}/admin/host/invocations`)).json();
    expect(counts).toMatchObject({
      throws: { started: 1, succeeded: 0, failed: 1 },
      keyed: { started: 0, succeeded: 0, failed: 0 },
    });
  });

  it('streams its answer when the app uses streams', async () => {
    const host = await startHost({ app: 'stream.cjs' });
    const answer = await fetch(`${host.endpoints.functionsUrl}/api/stream/me`, { method: 'POST', body: 'given' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([202, 'text/x-parts']);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const text = async () => Buffer.from((await reader.read()).value ?? []).toString();
    expect(await text()).toBe('me first given ');
    host.send('go on');
    expect(await text()).toBe('second');
    const failed = await fetch(`${host.endpoints.functionsUrl}/api/throws`);
    expect([failed.status, await failed.text()]).toEqual([500, '']);
  });
});

describe('the host', () => {
  it('copies settings into the environment and keeps variables that are already set', async () => {
    const { endpoints } = await startHost({
      app: 'http.cjs',
      settings: { SETTING_A: 'file', SETTING_B: 'file' },
      environment: { SETTING_B: 'environment' },
    });
    const answer = await fetch(`${endpoints.functionsUrl}/api/setting`);
    expect(await answer.json()).toEqual({ a: 'file', b: 'environment' });
  });

  it('logs one line for each entry, from the level in host.json', async () => {
    const host = await startHost({ app: 'http.cjs' });
    await fetch(`${host.endpoints.functionsUrl}/api/devices/x/modules`);
    await host.logged(/^\d{4}-\S+Z information echo asked \| for an echo$/m);
    expect(host.log()).not.toContain('not shown');
  });

  it('reports its state and its functions', async () => {
    const { endpoints } = await startHost({ app: 'http.cjs' });
    const status = await (await fetch(`${endpoints.functionsUrl}/admin/host/status`)).json();
    expect(status).toMatchObject({ state: 'Running' });
    expect(endpoints.functions).toContainEqual({ name: 'echo', type: 'httptrigger' });
  });

  it('waits for running invocations when it closes, and then calls the hook of the app', async () => {
    const host = await startHost({ app: 'http.cjs' });
    const answer = fetch(`${host.endpoints.functionsUrl}/api/slow`);
    await host.record(({ functionName }) => functionName === 'slow');
    const ended = host.end();
    host.send('finish');
    expect(await (await answer).text()).toBe('finished');
    expect(await ended).toBe(0);
    expect(host.records.map(({ functionName }) => functionName)).toEqual(['appStart', 'slow', 'appTerminate']);
  });

  it('has no functions when the app throws while it loads: every address answers 404, and the log says why', async () => {
    const host = await startHost({ app: 'refuses.cjs' });
    expect(host.endpoints.functions).toEqual([]);
    expect((await fetch(`${host.endpoints.functionsUrl}/api/health`)).status).toBe(404);
    expect(host.log()).toMatch(/ error host .*refuses\.cjs.*Setting IOTHUB_HOSTNAME is missing: name your hub\./);
    expect(await host.end()).toBe(0);
  });

  it('asks for a build when the build is missing', async () => {
    await expect(startHost({ app: 'missing.cjs' })).rejects.toThrow(/missing\.cjs is missing: run `npm run build`\.$/);
  });

  it('fails with the names of the function and of the missing setting', async () => {
    await expect(startHost({ app: 'triggers.cjs' })).rejects.toThrow(
      'Function "first": schedule is %NOT_THERE%, but there is no setting NOT_THERE.',
    );
    await expect(
      startHost({
        app: 'triggers.cjs',
        settings: { NOT_THERE: '0 0 0 1 1 *' },
      }),
    ).rejects.toThrow(
      'Function "first": there is no setting AzureWebJobsStorage with its connection string. Function "second": there is no setting OtherStorage',
    );
  });

  it('fails with the port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(startHost({ app: 'http.cjs', httpPort: port })).rejects.toThrow(`Port ${port} is in use`);
    other.close();
  });
});
