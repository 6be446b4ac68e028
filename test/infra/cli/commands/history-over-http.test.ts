/** `twinkeeper drift`, `status` and `device`, as they are built, with `--url`: through the function host, of Azurite and the local hub. */
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
/** With characters that mean something in URLs, in table keys and in OData. */
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
  await project?.remove();
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
  it.each(['', '--json', '--csv'])('says the same as of the storage account: drift %s', async (form) => {
    // Up to a time that has passed, so that both are asked for the same.
    const args = ['drift', '--to', new Date().toISOString(), ...(form === '' ? [] : [form])];
    const [told, stored] = await Promise.all([overHttp(...args), fromStorage(...args)]);
    expect(told).toEqual(stored);
    expect(told).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Process_CacheSize') });
    expect(told.stdout).not.toContain('\u001b');
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

  it('finds nothing where there is nothing, and says so', async () => {
    expect(await overHttp('drift', '--json', '--module', '')).toEqual({ code: 0, stdout: '', stderr: '' });
    const none = await overHttp('drift', '--outcome', 'failed');
    expect(none.stdout).toMatch(/^The history has no such rows from .* --from -30d looks further back\.\n$/);
  });

  it('reads page after page to the end, with and without a device', async () => {
    const begin = Date.now() - 2 * 86_400_000;
    const rows = Array.from({ length: 1100 }, (_, index) => {
      const path = `p${index}`;
      return driftRow('prolific', new Date(begin + index * 1000).toISOString(), { path });
    });
    await api.world.journal.write('prolific', rows, noKnownRows());
    const paths = rows.map(({ path }) => path).toReversed();
    for (const which of [
      ['--from', '-3d', '--to', '-1d'],
      ['--device', 'prolific'],
    ]) {
      const { stdout, stderr } = await overHttp('drift', '--json', ...which);
      expect(stderr).toBe('');
      expect(toRows(stdout).map(({ path }) => path)).toEqual(paths);
    }
    const limited = await overHttp('drift', '--json', '--device', 'prolific', '--limit', '1050');
    expect(toRows(limited.stdout).map(({ path }) => path)).toEqual(paths.slice(0, 1050));
  });

  it('follows: shows a new row as it comes, and its outcome, and ends cleanly', async () => {
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
    const told = toRows(following.stdout()).map(({ path, outcome }) => `${path} ${outcome}`);
    // Whether a row was met while it was pending is chance.
    expect(told.filter((line) => !line.endsWith('pending'))).toEqual([' created', 'Process_Mode enforced']);
  });

  it('takes address and key from the environment, the address also with /api', async () => {
    vi.stubEnv('FUNCTION_APP_URL', `${api.base}/`);
    vi.stubEnv('FUNCTION_APP_KEY', `${keys.functionKey}\n`);
    const { code, stdout, stderr } = await run('drift', '--json', '--device', 'calm');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(toRows(stdout)).toHaveLength(2);
  });
});

describe('twinkeeper status --url', () => {
  it('ends with 1 as long as nobody has looked, with 0 in line and with 2 out of line, as from storage', async () => {
    const both = async () => {
      const [told, stored] = await Promise.all([overHttp('status', '--json'), fromStorage('status', '--json')]);
      expect(told).toEqual(stored);
      return { code: told.code, ...(JSON.parse(told.stdout) as object) };
    };
    expect(await both()).toMatchObject({ code: 1, state: 'unknown', open: { total: 0 }, deadLetters: 0 });

    const { storage } = api.world;
    for (const { name } of policies) await createGuardStore(storage).putDeviceCount(name, 4);
    const store = createSweepStore(storage, () => new Date());
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('Nobody else can have taken the lead.');
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
  it('shows the timeline, and how the twin differs now, which the app has read', async () => {
    await api.addDevice('crooked');
    // Nobody has dealt with it yet: only the twin itself can tell.
    api.disturb('crooked', { Login_UsePAM: '\u001b[2J\u202e' });
    const { code, stdout, stderr } = await overHttp('device', 'crooked');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toMatch(/created .*\n.*created /);
    expect(stdout).toContain('- Login_UsePAM: "\\u001b[2J?"\n+ Login_UsePAM: false\n');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/It is out of line\.\n$/);
  });

  it.each([hostile, '-dash'])('is one JSON document for programs, also of %s', async (deviceId) => {
    const { code, stdout } = await run('device', '--json', ...source(), '--', deviceId);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { readonly rows: readonly DriftRow[] };
    expect(report).toMatchObject({ deviceId, inLine: true, open: [], live: { exists: true } });
    const { stdout: history } = await fromStorage('drift', '--json', `--device=${deviceId}`);
    expect(report.rows).toEqual(toRows(history));
  });

  it('says of a device that was deleted that it is gone', async () => {
    await api.addDevice('short-lived');
    api.world.hub.registry.delete({ deviceId: 'short-lived' }, '*');
    await api.keeping.settle();
    const { code, stdout } = await overHttp('device', 'short-lived');
    expect(code).toBe(0);
    expect(stdout).toContain('The hub has no such device any more.');
  });

  it('does not know a device that nobody knows, and says the same as without the app', async () => {
    const { code, stdout, stderr } = await overHttp('device', 'Calm');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/nothing of a device Calm and the hub has no such device\. Ids are case-sensitive/);
  });
});

describe('what the app does not answer', () => {
  it.each<[string, string | undefined, readonly string[], RegExp]>([
    ['a wrong key', 'd3Jvbmcta2V5', ['drift', '--json'], /in \(401\): the key is not one of its function keys/],
    ['the same', 'd3Jvbmcta2V5', ['drift', '--follow'], /in \(401\): the key is not one of its function keys/],
    ['the same', 'd3Jvbmcta2V5', ['status'], /in \(401\): the key is not one of its function keys/],
    ['the same', 'd3Jvbmcta2V5', ['device', 'calm'], /in \(401\): the key is not one of its function keys/],
    ['no key', undefined, ['status'], /does not let us in \(401\): give its function key with --key/],
    ['two lines', `${keys.functionKey}\nd3Jvbmcta2V5`, ['status'], /characters that no key has: copy it again/],
    ['an odd character', 'd3Jvbmcta2V5€', ['device', 'calm'], /characters that no key has: copy it again/],
    ['an empty key', ' ', ['drift'], /The key is empty/],
    ['a device that no path can name', keys.functionKey, ['device', '..'], /No address can hold the device id \.\.: /],
  ])('says in one line, without the key, what is wrong with %s: %j %j', async (_, key, args, why) => {
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
    ['a longer range than it reads', ['drift', '--from', '-500d'], /answered 400: from must be at most 400 days/],
    ['an id that is none', ['device', 'a/b'], /answered 400: deviceId must be .* but it is "a\/b"/],
    ['a policy with an impossible name', ['drift', '--policy', "a' or true"], /answered 400: policy must be the name/],
  ])('repeats what the app says of %s', async (_, args, why) => {
    const { code, stdout, stderr } = await overHttp(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
  });

  it('is said also where something else answers, and has nothing against it', async () => {
    const server = createServer((_, response) => response.end('{"hello":"world"}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const { code, stderr } = await run('drift', '--url', address, '--key', keys.functionKey);
      expect(code).toBe(1);
      expect(stderr).toMatch(/\/api\/drift answered 200: is --url the address of the functions\?\n$/);
    } finally {
      server.close();
    }
  });
});
