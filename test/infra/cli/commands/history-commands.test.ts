/** `twinkeeper drift`, `status` and `device`, as they are built, against a storage account, a hub, and a server that speaks like the app. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fromStorage, pagesOf } from '../../../../infra/cli/commands/history-source.ts';
import { type QueryOptions, queryOf } from '../../../../infra/cli/commands/query-option.ts';
import { createHistory, type DriftRow } from '../../../../shared/drift/index.ts';
import { createGuardStore } from '../../../../shared/guards/index.ts';
import { createSweepStore } from '../../../../shared/sweep/store/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { buildOwnProject, type OwnProject } from '../../../support/own-project.ts';
import { startWorld, type World } from '../../../support/world.ts';

const agent = 'DefenderIotMicroAgent';

let project: OwnProject;
let folder = '';
let endpoints = '';
let world: World;
let enforcing: ReturnType<World['withPolicies']>;
const devices = ['one', 'two', 'three', '-four'] as const;

function disturb(deviceId: string, desired: object): void {
  world.hub.registry.patchTwin({ deviceId, moduleId: agent }, { desired: desired as never }, '*');
}

beforeAll(async () => {
  [project, world] = await Promise.all([buildOwnProject(), startWorld()]);
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-history-'));
  endpoints = join(folder, 'endpoints.json');
  const iotHubConnectionString = world.hub
    .connectionString('iothubowner')
    .replace('localhost', `localhost:${world.hub.httpsPort}`);
  const { connectionString: storageConnectionString } = world.storage;
  const { caFile } = world.hub.credentials;
  await writeFile(endpoints, JSON.stringify({ storageConnectionString, iotHubConnectionString, caFile }));

  enforcing = world.withPolicies(policies);
  for (const deviceId of devices) world.hub.registry.create({ deviceId }, {});
  await enforcing.settle();
  disturb('one', { Process_Disabled: true });
  await enforcing.settle();
  // What is only recorded stays out of line.
  const auditing = world.withPolicies(policies, { mode: 'audit' });
  disturb('two', { Login_UsePAM: '\u001b[2J\u202e' });
  await auditing.settle();
  enforcing.newEvents();
}, 180_000);

afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await world?.close();
  await project?.remove();
  await rm(folder, { recursive: true });
});

async function run(...args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(args, project.root);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

/** With the history of the world. */
const ask = (...args: readonly string[]) => run(...args, '--endpoints', endpoints);

const toRows = (ndjson: string): readonly DriftRow[] =>
  ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as DriftRow);

describe('twinkeeper drift', () => {
  it('gives all rows as NDJSON, newest first, just as the history has them', async () => {
    const { code, stdout, stderr } = await ask('drift', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = await Array.fromAsync(createHistory(world.storage, () => new Date()).rows({}));
    expect(toRows(stdout)).toEqual(JSON.parse(JSON.stringify(rows)));
    expect(rows).toHaveLength(2 * devices.length + 2);
  });

  it('takes filters, each of which counts', async () => {
    const history = fromStorage(world.storage, []);
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    for (const [options, count] of [
      [{ device: 'one' }, 3],
      [{ module: agent }, devices.length + 2],
      [{ module: '' }, 0],
      [{ policy: 'azureiotsecurity' }, devices.length],
      [{ path: 'Login_UsePAM' }, 1],
      [{ kind: 'wrongValue', outcome: 'enforced' }, 1],
      [{ outcome: 'audited' }, 1],
      [{ source: 'sweep' }, 0],
      [{ from: hourAgo }, 2 * devices.length + 2],
      [{ to: hourAgo }, 0],
    ] satisfies readonly (readonly [QueryOptions, number])[]) {
      const pages = await Array.fromAsync(pagesOf(history, queryOf(options), Number.POSITIVE_INFINITY));
      expect([options, pages.flatMap(({ rows }) => rows).length]).toEqual([options, count]);
    }
  });

  it('takes values that begin with a dash', async () => {
    const { code, stdout } = await ask('drift', '--json', '--device', '-four', '--from', '-30m', '--limit', '1');
    expect(code).toBe(0);
    expect(toRows(stdout)).toMatchObject([{ deviceId: '-four' }]);
  });

  it('knows whether there are more rows than the limit lets through', async () => {
    const history = fromStorage(world.storage, []);
    for (const [limit, more] of [
      [1, true],
      [2, true],
      [3, false],
      [4, false],
    ] as const) {
      const pages = await Array.fromAsync(pagesOf(history, { deviceId: 'one' }, limit));
      expect(pages.map(({ rows, more }) => [rows.length, more])).toEqual([[Math.min(3, limit), more]]);
    }
  });

  it('makes a table without colours where there is no terminal, and says when there is more', async () => {
    const { code, stdout, stderr } = await ask('drift', '--limit', '2');
    expect(code).toBe(0);
    const [head, first, second, ...rest] = stdout.split('\n');
    expect(head).toMatch(/^detected \(UTC\) +outcome +device/);
    expect(first).toMatch(
      /audited +two +DefenderIotMicroAgent +defender-micro-agent +Login_UsePAM +"\\u001b\[2J\?" → false$/,
    );
    expect(second).toMatch(/enforced +one .* true → false$/);
    expect(rest).toEqual(['']);
    expect(stderr).toMatch(/there are more: --limit/);
    expect(stdout).not.toContain('\u001b');
  });

  it('says that there is nothing, and how to look further', async () => {
    const { code, stdout } = await ask('drift', '--outcome', 'failed');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^The history has no such rows from .* --from -30d looks further back\.\n$/);
  });

  it('makes CSV with names, also of nothing', async () => {
    const { stdout } = await ask('drift', '--csv', '--path', 'Login_UsePAM');
    const [head, line, ...rest] = stdout.split('\n');
    expect(head).toMatch(/^detectedAt,hub,deviceId,/);
    expect(line).toContain(',two,DefenderIotMicroAgent,defender-micro-agent,Login_UsePAM,wrongValue,false,');
    expect(rest).toEqual(['']);
    expect((await ask('drift', '--csv', '--outcome', 'failed')).stdout).toBe(`${head}\n`);
  });

  it('stops without a word where nobody reads on', async () => {
    const { child, ended, stderr } = twinkeeper(['drift', '--json', '--endpoints', endpoints], project.root);
    child.stdout?.destroy();
    expect([0, 141]).toContain(await ended);
    expect(stderr()).toBe('');
  });

  it('follows: shows what comes, once, each row again when its outcome has changed, and ends cleanly on Ctrl-C', async () => {
    const { child, ended, stdout, stderr, says } = twinkeeper(
      ['drift', '--follow', '--json', '--device', 'three', '--limit', '1', '--endpoints', endpoints],
      project.root,
    );
    await says('"outcome":"created"');
    expect(toRows(stdout())).toHaveLength(1);
    disturb('three', { Process_Mode: 2 });
    await enforcing.settle();
    await says('"path":"Process_Mode"');
    await says('"outcome":"enforced"');
    disturb('one', { Process_Mode: 2 });
    disturb('three', { Process_CacheSize: 1 });
    await enforcing.settle();
    await says('"path":"Process_CacheSize"');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(stderr()).toBe('');
    const told = toRows(stdout()).map(({ path, outcome }) => `${path} ${outcome}`);
    // Whether a row was met while it was pending is chance.
    expect(told.filter((line) => !line.endsWith('pending'))).toEqual([
      ' created',
      'Process_Mode enforced',
      'Process_CacheSize enforced',
    ]);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['a time that is none', ['--from', 'noon'], /must be a time, such as 2026/],
    ['a limit of nothing', ['--limit', '0'], /whole number, 1 or more/],
    ['an unknown kind', ['--kind', 'odd'], /Allowed choices are missingModule/],
    ['an end of what has none', ['--follow', '--to', '-1h'], /cannot be used with option '--to/],
    ['two forms at once', ['--json', '--csv'], /cannot be used with option/],
    ['two sources at once', ['--url', 'https://localhost'], /cannot be used with option '--endpoints/],
    ['a key without a door', ['--key', 'k'], /--key goes with --url/],
    ['a range that ends before it begins', ['--from', '-1h', '--to', '-2h'], /swap them/],
  ])('refuses %s in a line that says what to do', async (_, args, why) => {
    const { code, stdout, stderr } = await ask('drift', ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
  });
});

describe('what cannot be asked', () => {
  it('is a device with an id that none has', async () => {
    const { code, stderr } = await ask('drift', '--device', "x' or true");
    expect(code).toBe(1);
    expect(stderr).toMatch(/x' or true.*It must be 1 to 128 letters, digits and /);
  });

  it.each([['drift'], ['status'], ['device', 'one']])(
    'is storage with a key that is not its own: %j',
    async (...command) => {
      const storage = world.storage.connectionString.replace(
        /AccountKey=[^;]+/,
        `AccountKey=${btoa('not the key of it')}`,
      );
      const { code, stdout, stderr } = await run(...command, '--storage', storage);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^twinkeeper: The storage account does not let us in \(403, \w+\): is the key .*\n$/);
    },
  );

  it('is storage that is not there', async () => {
    const storage = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:9/a;';
    const { code, stderr } = await run('drift', '--storage', `${storage}QueueEndpoint=http://127.0.0.1:9/a;`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^twinkeeper: The storage account cannot be reached: .*127\.0\.0\.1:9.*\n$/);
  });
});

describe('twinkeeper status', () => {
  it('ends with 2 where something is out of line, and says what and why', async () => {
    for (const { name } of policies) await createGuardStore(world.storage).putDeviceCount(name, devices.length);
    const { code, stdout } = await ask('status', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'outOfLine',
      policies: expect.arrayContaining([
        { policy: 'azureiotsecurity', devices: 4, compliant: 4, outOfLine: 0 },
        { policy: 'defender-micro-agent', devices: 4, compliant: 3, outOfLine: 1 },
      ]),
      open: { total: 1, byReason: { audited: 1 } },
      deadLetters: 0,
    });
    const told = await ask('status');
    expect(told.code).toBe(2);
    expect(told.stdout).toMatch(/defender-micro-agent +4 +3 +75\.0 % +1/);
  });

  it('ends with 0 where nothing is and a sweep has looked, and with 1 as long as none has', async () => {
    const other = await startWorld();
    try {
      const { connectionString } = other.storage;
      const unknown = await run('status', '--storage', connectionString);
      expect(unknown.code).toBe(1);
      expect(unknown.stdout).toContain('"twinkeeper sweep" asks for one');
      const store = createSweepStore(other.storage, () => new Date());
      const claim = await store.claim({ trigger: 'manual' });
      if (claim === undefined) throw new Error('Nobody else can have taken the lead.');
      await store.release(claim, undefined, { ...claim.row, state: 'done', endedAt: new Date().toISOString() });
      expect(await run('status', '--storage', connectionString)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Nothing is out of line.'),
      });
    } finally {
      await other.close();
    }
  });
});

describe('twinkeeper device', () => {
  it('tells what happened, and what is out of line now, which makes it end with 2', async () => {
    const { code, stdout } = await ask('device', 'two');
    expect(code).toBe(2);
    expect(stdout).toMatch(/created .*\n.*created .*\n.*audited .*Login_UsePAM/);
    expect(stdout).toContain('- Login_UsePAM: "\\u001b[2J?"\n+ Login_UsePAM: false\n');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toContain('\u202e');
    expect(stdout).toMatch(/It is out of line\.\n$/);
  });

  it('ends with 0 where the twins are as wanted, and lists all of them when asked to', async () => {
    const { code, stdout } = await ask('device', 'one', '--all');
    expect(code).toBe(0);
    expect(stdout).toContain('  Process_Disabled: false\n');
    expect(stdout).toMatch(/It is in line\.\n$/);
  });

  it('is one JSON document for programs, also of a device whose id looks like an option', async () => {
    const { code, stdout } = await run('device', '--json', '--endpoints', endpoints, '--', '-four');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deviceId: '-four', inLine: true, open: [], live: { exists: true } });
  });

  it('shows the timeline alone where no hub is named, and says how to see more', async () => {
    vi.stubEnv('IOTHUB_CONNECTION_STRING', '');
    vi.stubEnv('IOTHUB_HOSTNAME', '');
    const { code, stdout } = await run('device', 'two', '--storage', world.storage.connectionString);
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /audited .*\n\n1 departure is out of line as far as the history knows\. To see its twins, name the hub/,
    );
  });

  it('says of a device that was deleted that it is gone', async () => {
    world.hub.registry.create({ deviceId: 'short-lived' }, {});
    await enforcing.settle();
    world.hub.registry.delete({ deviceId: 'short-lived' }, '*');
    await enforcing.settle();
    const { code, stdout } = await ask('device', 'short-lived');
    expect(code).toBe(0);
    expect(stdout).toContain('The hub has no such device any more.');
  });

  it('does not know a device that nobody knows', async () => {
    const { code, stdout, stderr } = await ask('device', 'One');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/nothing of a device One and the hub has no such device\. Ids are case-sensitive/);
  });
});

describe('the running app as the source', () => {
  const key = 'c2VjcmV0';
  const asked: string[] = [];
  let answer: (path: string) => { readonly status?: number; readonly body: unknown };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked.push(request.url ?? '');
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

  it('is asked page by page with the same filters, and its key is shown to nobody', async () => {
    asked.length = 0;
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
    expect(asked).toEqual([first, `${first}&cursor=next%26page`]);
  });

  it.each<[string, readonly string[], { readonly status: number; readonly body: unknown }, RegExp]>([
    ['a key that is missing', [], { status: 200, body: {} }, /does not let us in \(401\): give its function key/],
    [
      'a key that is wrong',
      ['--key', 'd3Jvbmc='],
      { status: 200, body: {} },
      /the key is not one of its function keys/,
    ],
    [
      'what it does not take',
      ['--key', key],
      { status: 400, body: { title: 'Bad', detail: 'policy must be \u001b[2J good' } },
      /answered 400: policy must be \?\[2J good/,
    ],
    [
      'an address of something else',
      ['--key', key],
      { status: 404, body: '<html>' },
      /is --url the address of the functions\?/,
    ],
  ])('says what is wrong with %s', async (_, args, given, why) => {
    answer = () => given;
    const { code, stderr, stdout } = await run('drift', '--json', '--url', url, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr).not.toMatch(/c2VjcmV0|d3Jvbmc/);
  });

  it.each<[string, string, RegExp]>([
    ['an address that is none', 'my-app', /must look like https:/],
    ['a key that could be read on the way', 'http://my-app.azurewebsites.net', /use https:/],
    ['nobody at the address', 'http://127.0.0.1:9', /cannot be asked: /],
  ])('refuses %s', async (_, address, why) => {
    const { code, stderr } = await run('status', '--url', address, '--key', key);
    expect(code).toBe(1);
    expect(stderr).toMatch(why);
    expect(stderr).not.toContain(key);
  });
});
