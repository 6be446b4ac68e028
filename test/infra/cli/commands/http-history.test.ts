/** Tests of the built commands with `--url`. A server in the test answers as the app does. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run, toRows } from './history-world.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a command with --url', () => {
  const key = 'c2VjcmV0';
  const requests: string[] = [];
  let answer: (path: string) => { readonly status?: number; readonly body: unknown };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(request.url ?? '');
    if (request.headers['x-functions-key'] !== key) return response.writeHead(401).end();
    const { status = 200, body } = answer(request.url ?? '');
    return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  let url = '';

  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it('reads page after page with the same filters', async () => {
    requests.length = 0;
    const row = { deviceId: 'd', rowKey: 'r', detectedAt: '2026-11-22T05:10:11Z', outcome: 'enforced' };
    answer = (path) => ({
      body: path.includes('cursor=') ? { rows: [row] } : { rows: [row, row], cursor: 'next&page' },
    });
    vi.stubEnv('FUNCTION_APP_URL', `${url}/`);
    vi.stubEnv('FUNCTION_APP_KEY', key);
    const { code, stdout } = await run(
      'drift',
      '--json',
      '--policy',
      'a b&c',
      '--from',
      '2026-11-22',
      '--to',
      '2026-11-23',
    );
    expect(code).toBe(0);
    expect(toRows(stdout)).toEqual([row, row, row]);
    const first =
      '/api/drift?policy=a+b%26c&from=2026-11-22T00%3A00%3A00.000Z&to=2026-11-23T00%3A00%3A00.000Z&limit=1000';
    expect(requests).toEqual([first, `${first}&cursor=next%26page`]);
  });

  it('finds devices page after page, and says whether all were searched', async () => {
    requests.length = 0;
    const searched = (complete: boolean) => ({ by: 'walk', read: 5000, complete });
    answer = (path) => ({
      body: path.includes('cursor=')
        ? { devices: [{ deviceId: 'press-2\u001b[2J' }], searched: searched(true) }
        : { devices: [], cursor: 'next', searched: searched(false) },
    });
    const found = await run('devices', '--search', 'press', '--tag', 'site:a&b', '--url', url, '--key', key);
    expect([found.code, found.stdout]).toEqual([0, 'press-2?[2J\n']);
    expect(found.stderr).toBe(
      '1 device found. All devices of the hub were searched. The hub cannot search for a part of an id: the app compared 10000 ids.\n',
    );
    const first = '/api/devices?search=press&tag=site%3Aa%26b&limit=100';
    expect(requests).toEqual([first, `${first}&cursor=next`]);
    answer = () => ({ body: { devices: [{ deviceId: 'a' }, { deviceId: 'b' }], searched: searched(true) } });
    const cut = await run('devices', '--tag', 'site', '--limit', '1', '--json', '--url', url, '--key', key);
    expect([cut.code, cut.stdout]).toEqual([0, '{"deviceId":"a"}\n']);
    expect(cut.stderr).toContain('There may be more: see --limit.');
    answer = () => ({ body: { devices: [], searched: { by: 'query', read: 0, complete: true } } });
    expect(await run('devices', '--tag', 'site', '--url', url, '--key', key)).toMatchObject({ code: 2, stdout: '' });
    answer = () => ({ status: 429, body: { detail: 'The messages of today are used up.' } });
    expect(await run('devices', '--tag', 'site', '--url', url, '--key', key)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('answered 429: The messages of today are used up.'),
    });
    expect((await run('devices', '--url', url)).stderr).toContain('give --search or --tag');
  });

  it.each<[string, readonly string[], { readonly status: number; readonly body: unknown }, RegExp]>([
    ['a missing key', [], { status: 200, body: {} }, /refuses access \(401\): give a function key/],
    ['a wrong key', ['--key', 'd3Jvbmc='], { status: 200, body: {} }, /the key is not one of its function keys/],
    [
      'a refused parameter',
      ['--key', key],
      { status: 400, body: { title: 'Bad', detail: 'policy must be \u001b[2J good' } },
      /answered 400: policy must be \?\[2J good/,
    ],
    [
      'the address of another service',
      ['--key', key],
      { status: 404, body: '<html>' },
      /check that --url is the address of the functions/,
    ],
  ])('explains %s, without showing the key', async (_, args, given, why) => {
    answer = () => given;
    const { code, stderr, stdout } = await run('drift', '--json', '--url', url, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr).not.toMatch(/c2VjcmV0|d3Jvbmc/);
  });

  it.each<[string, string, RegExp]>([
    ['a malformed address', 'my-app', /must look like https:/],
    ['an unencrypted address', 'http://my-app.azurewebsites.net', /use https:/],
    ['an address without a server', 'http://127.0.0.1:9', /cannot be reached: /],
  ])('refuses %s, without showing the key', async (_, address, why) => {
    const { code, stderr } = await run('status', '--url', address, '--key', key);
    expect(code).toBe(1);
    expect(stderr).toMatch(why);
    expect(stderr).not.toContain(key);
  });
});
