/** Tests of the built commands `twinkeeper drift`, `status` and `device` with `--url`. A function host runs the app at that address. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { pagesOf } from '../../../../infra/cli/commands/history-source.ts';
import { fromFunctions } from '../../../../infra/cli/commands/http-history.ts';
import { type QueryOptions, queryOf } from '../../../../infra/cli/commands/query-option.ts';
import { type DriftRow, noKnownRows } from '../../../../shared/drift/index.ts';
import { createGuardStore } from '../../../../shared/guards/index.ts';
import { createSweepStore } from '../../../../shared/sweep/store/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { type Api, keys, startApi } from '../../../functions/api/api-host.ts';
import { driftRow } from '../../../support/drift-rows.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { buildOwnProject, type OwnProject } from '../../../support/own-project.ts';

const agent = 'DefenderIotMicroAgent';
/** A device id with characters that have a special meaning in URLs, table keys and OData. */
const hostile = "pump#7?line=2%2F+'*@x";
const markup = '=1+1 "\u001b[2J\u202e, \n<b>';

let api: Api;
let project: OwnProject;

beforeAll(async () => {
  [project, api] = await Promise.all([buildOwnProject(), startApi()]);
  for (const deviceId of [hostile, 'calm', 'watched', '-dash']) await api.addDevice(deviceId);
  api.disturb(hostile, { Process_Disabled: true, Process_CacheSize: markup });
  await api.keeping.settle();
}, 180_000);

afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await api?.close();
});

async function run(...args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(args, project.root);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

const source = () => ['--url', api.host.endpoints.functionsUrl, '--key', keys.functionKey];
const overHttp = (...args: readonly string[]) => run(...args, ...source());
const fromStorage = (...args: readonly string[]) => run(...args, '--storage', api.world.storage.connectionString);

const toRows = (ndjson: string): readonly DriftRow[] =>
  ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as DriftRow);

describe('twinkeeper drift --url', () => {
  it.each(['', '--json', '--csv'])('prints the same as with the storage account: drift %s', async (form) => {
    // The time range ends before now, so that both commands read the same rows.
    const args = ['drift', '--to', new Date().toISOString(), ...(form === '' ? [] : [form])];
    const [answered, stored] = await Promise.all([overHttp(...args), fromStorage(...args)]);
    expect(answered).toEqual(stored);
    expect(answered).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Process_CacheSize') });
    expect(answered.stdout).not.toContain('\u001b');
  });

  it.each([
    ['device', 'deviceId', hostile],
    ['device', 'deviceId', '-dash'],
    ['module', 'moduleId', agent],
    ['policy', 'policy', 'defender-micro-agent'],
    ['path', 'path', 'Process_CacheSize'],
    ['path', 'path', ''],
    ['kind', 'kind', 'wrongValue'],
    ['outcome', 'outcome', 'created'],
    ['source', 'source', 'event'],
  ] as const)('filters by --%s (%s is %j)', async (option, field, value) => {
    const { to } = queryOf({});
    const app = fromFunctions(api.base, keys.functionKey);
    const ask = async (options: QueryOptions) => {
      const pages = await Array.fromAsync(pagesOf(app, queryOf({ ...options, to }), Number.POSITIVE_INFINITY));
      return pages.flatMap(({ rows }) => rows).toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
    };
    const [all, some] = await Promise.all([ask({}), ask({ [option]: value })]);
    expect(some).toEqual(all.filter((row) => row[field] === value));
    expect(some.length).toBeGreaterThan(0);
  });

  it('says that no row matches', async () => {
    expect(await overHttp('drift', '--json', '--module', '')).toEqual({ code: 0, stdout: '', stderr: '' });
    const none = await overHttp('drift', '--outcome', 'failed');
    expect(none.stdout).toMatch(/^No row of the history matches from .* --from -30d looks further back\.\n$/);
  });

  it('reads all pages, with and without a device', async () => {
    const begin = Date.now() - 2 * 86_400_000;
    const rows = Array.from({ length: 1100 }, (_, index) => {
      const path = `p${index}`;
      return driftRow('prolific', new Date(begin + index * 1000).toISOString(), { path });
    });
    await api.world.journal.write('prolific', rows, noKnownRows());
    const paths = rows.map(({ path }) => path).toReversed();
    for (const range of [
      ['--from', '-3d', '--to', '-1d'],
      ['--device', 'prolific'],
    ]) {
      const { stdout, stderr } = await overHttp('drift', '--json', ...range);
      expect(stderr).toBe('');
      expect(toRows(stdout).map(({ path }) => path)).toEqual(paths);
    }
    const limited = await overHttp('drift', '--json', '--device', 'prolific', '--limit', '1050');
    expect(toRows(limited.stdout).map(({ path }) => path)).toEqual(paths.slice(0, 1050));
  });

  it('follows the history: shows a new row and its outcome, and ends on Ctrl-C', async () => {
    const following = twinkeeper(
      ['drift', '--follow', '--json', '--device', 'watched', '--limit', '1', ...source()],
      project.root,
    );
    await following.says('"outcome":"created"');
    api.disturb('watched', { Process_Mode: 2 });
    await api.keeping.settle();
    await following.says('"path":"Process_Mode"');
    await following.says('"outcome":"enforced"');
    following.child.kill('SIGINT');
    expect(await following.ended).toBe(0);
    expect(following.stderr()).toBe('');
    const lines = toRows(following.stdout()).map(({ path, outcome }) => `${path} ${outcome}`);
    // Rows with the outcome `pending` are ignored: it depends on the time of the poll whether `--follow` shows them.
    expect(lines.filter((line) => !line.endsWith('pending'))).toEqual([' created', 'Process_Mode enforced']);
  });

  it('reads the address, also with /api, and the key from the environment', async () => {
    vi.stubEnv('FUNCTION_APP_URL', `${api.base}/`);
    vi.stubEnv('FUNCTION_APP_KEY', `${keys.functionKey}\n`);
    const { code, stdout, stderr } = await run('drift', '--json', '--device', 'calm');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(toRows(stdout)).toHaveLength(2);
  });
});

describe('twinkeeper actions --url', () => {
  it('prints the same as with the storage account', async () => {
    for (const reason of ['first', 'second', markup]) await api.post(`sweep?reason=${encodeURIComponent(reason)}`);
    for (const form of [[], ['--json'], ['--limit', '2'], ['--from', '-1h', '--action', 'sweep', '--json']]) {
      const [answered, stored] = await Promise.all([overHttp('actions', ...form), fromStorage('actions', ...form)]);
      expect(answered).toEqual(stored);
      expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining('second') });
      expect(answered.stdout).not.toContain('\u001b');
    }
  });
});

describe('twinkeeper status --url', () => {
  it('exits with 1 before the first sweep, with 0 when all is compliant and with 2 otherwise, as with the storage account', async () => {
    // On a busy machine, the first check of the health takes longer than its requests wait, and they then answer `unknown`.
    const healthNow = async () => (await api.get<{ readonly status: string }>('health/details')).body.status;
    await expect.poll(healthNow, { timeout: 60_000, interval: 500 }).toBe('healthy');
    const both = async () => {
      const [answered, stored] = await Promise.all([overHttp('status', '--json'), fromStorage('status', '--json')]);
      // Only the running app knows its health. This app has never stored how it is.
      const { health, problems, ...compliance } = JSON.parse(answered.stdout) as {
        readonly health?: object;
        readonly problems?: readonly { readonly code: string }[];
      };
      // The app looks for problems every 30 seconds, so it may know of the dead letter below already.
      expect(problems?.filter(({ code }) => code !== 'deadLetters')).toEqual([]);
      expect(health).toMatchObject({ status: 'healthy', checks: { hub: { ok: true } } });
      const fromTables = JSON.parse(stored.stdout) as { readonly open: object };
      // Few rows are open, so each command counts them when it asks.
      const open = { ...fromTables.open, countedAt: expect.any(String) };
      expect({ ...answered, stdout: compliance }).toEqual({ ...stored, stdout: { ...fromTables, open } });
      return { code: answered.code, ...compliance };
    };
    expect(await both()).toMatchObject({ code: 1, state: 'unknown', open: { total: 0 }, deadLetters: 0 });

    const { storage } = api.world;
    for (const { name } of policies) await createGuardStore(storage).putDeviceCount(name, 4);
    const store = createSweepStore(storage, () => new Date());
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('The sweep could not be claimed.');
    await store.release(claim, undefined, { ...claim.row, state: 'done', endedAt: new Date().toISOString() });
    await api.world.deadLetters.put({ reason: 'unreadable', deviceId: '', state: 'dead', event: { body: 1 } });
    expect(await both()).toMatchObject({ code: 0, state: 'compliant', deadLetters: 1, lastSweep: { state: 'done' } });

    const auditing = api.world.withPolicies(policies, { mode: 'audit' });
    api.disturb('calm', { Login_UsePAM: true });
    await auditing.settle();
    expect(await both()).toMatchObject({
      code: 2,
      state: 'outOfLine',
      policies: expect.arrayContaining([{ policy: 'defender-micro-agent', devices: 4, outOfLine: 1, compliant: 3 }]),
      open: { total: 1, byReason: { audited: 1 } },
    });
    expect((await overHttp('status')).stdout).toMatch(/defender-micro-agent +4 +3 +75\.0 % +1/);
  });
});

describe('twinkeeper device --url', () => {
  it('shows the timeline and the differences of the twin, which the app reads', async () => {
    await api.addDevice('crooked');
    // No event processor runs at this point, so the change is in the twin and not in the history.
    api.disturb('crooked', { Login_UsePAM: '\u001b[2J\u202e' });
    const { code, stdout, stderr } = await overHttp('device', 'crooked');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toMatch(/created .*\n.*created /);
    expect(stdout).toContain('- Login_UsePAM: "\\u001b[2J?"\n+ Login_UsePAM: false\n');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/The device is out of line\.\n$/);
  });

  it.each([hostile, '-dash'])('prints one JSON document for the device %s', async (deviceId) => {
    const { code, stdout } = await run('device', '--json', ...source(), '--', deviceId);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { readonly rows: readonly DriftRow[] };
    expect(report).toMatchObject({ deviceId, inLine: true, open: [], live: { exists: true } });
    const { stdout: history } = await fromStorage('drift', '--json', `--device=${deviceId}`);
    expect(report.rows).toEqual(toRows(history));
  });

  it('says that a deleted device is no longer in the hub', async () => {
    await api.addDevice('short-lived');
    api.world.hub.registry.delete({ deviceId: 'short-lived' }, '*');
    await api.keeping.settle();
    const { code, stdout } = await overHttp('device', 'short-lived');
    expect(code).toBe(0);
    expect(stdout).toContain('The device is no longer in the hub.');
  });

  it('refuses a device that neither the history nor the hub has', async () => {
    const { code, stdout, stderr } = await overHttp('device', 'Calm');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/no rows of a device Calm and the hub has no such device\. Ids are case-sensitive/);
  });
});

describe('a request that the app refuses', () => {
  it.each<[string, string | undefined, readonly string[], RegExp]>([
    ['a wrong key', 'd3Jvbmcta2V5', ['drift', '--json'], /access \(401\): the key is not one of its function keys/],
    ['the same', 'd3Jvbmcta2V5', ['drift', '--follow'], /access \(401\): the key is not one of its function keys/],
    ['the same', 'd3Jvbmcta2V5', ['status'], /access \(401\): the key is not one of its function keys/],
    ['the same', 'd3Jvbmcta2V5', ['device', 'calm'], /access \(401\): the key is not one of its function keys/],
    ['no key', undefined, ['status'], /refuses access \(401\): give a function key with --key/],
    [
      'two lines',
      `${keys.functionKey}\nd3Jvbmcta2V5`,
      ['status'],
      /characters that a key cannot have: copy the key again/,
    ],
    ['an odd character', 'd3Jvbmcta2V5€', ['device', 'calm'], /characters that a key cannot have: copy the key again/],
    ['an empty key', ' ', ['drift'], /The key is empty/],
    [
      'a device id that no URL can contain',
      keys.functionKey,
      ['device', '..'],
      /A URL cannot contain the device id \.\.\. /,
    ],
  ])('is explained in one line, without the key: %s: %j %j', async (_, key, args, why) => {
    const { code, stdout, stderr } = await run(
      ...args,
      '--url',
      api.base,
      ...(key === undefined ? [] : ['--key', key]),
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toMatch(new RegExp(`d3Jvbmcta2V5|${keys.functionKey}`));
  });

  it.each<[string, readonly string[], RegExp]>([
    ['a time range that is too long', ['drift', '--from', '-500d'], /answered 400: from must be at most 400 days/],
    ['a malformed device id', ['device', 'a/b'], /answered 400: deviceId must be .* but it is "a\/b"/],
    ['a malformed policy name', ['drift', '--policy', "a' or true"], /answered 400: policy must be the name/],
  ])('is explained in the words of the app: %s', async (_, args, why) => {
    const { code, stdout, stderr } = await overHttp(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
  });

  it('is reported when another service answers at the address', async () => {
    const server = createServer((_, response) => response.end('{"hello":"world"}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const { code, stderr } = await run('drift', '--url', address, '--key', keys.functionKey);
      expect(code).toBe(1);
      expect(stderr).toMatch(/\/api\/drift answered 200: check that --url is the address of the functions\.\n$/);
    } finally {
      server.close();
    }
  });
});
