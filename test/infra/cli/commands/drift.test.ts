/** Tests of the built `twinkeeper drift` command, with a storage account. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromStorage, pagesOf } from '../../../../infra/cli/commands/history-source.ts';
import { type QueryOptions, queryOf } from '../../../../infra/cli/commands/query-option.ts';
import { createHistory } from '../../../../shared/drift/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { openCsv } from '../../../support/spreadsheet-reader.ts';
import { agent, devices, type HistoryWorld, startHistoryWorld, toRows } from './history-world.ts';

let history: HistoryWorld;

beforeAll(async () => {
  history = await startHistoryWorld();
}, 180_000);
afterAll(() => history?.close());

describe('twinkeeper drift', () => {
  it('prints all rows of the history as NDJSON, newest first', async () => {
    const { code, stdout, stderr } = await history.ask('drift', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = await Array.fromAsync(createHistory(history.world.storage, () => new Date()).rows({}));
    expect(toRows(stdout)).toEqual(JSON.parse(JSON.stringify(rows)));
    expect(rows).toHaveLength(2 * devices.length + 2);
  });

  it('applies each filter', async () => {
    const stored = fromStorage(history.world.storage, []);
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
      const pages = await Array.fromAsync(pagesOf(stored, queryOf(options), Number.POSITIVE_INFINITY));
      expect([options, pages.flatMap(({ rows }) => rows).length]).toEqual([options, count]);
    }
  });

  it('accepts values that begin with a dash', async () => {
    const { code, stdout } = await history.ask(
      'drift',
      '--json',
      '--device',
      '-four',
      '--from',
      '-30m',
      '--limit',
      '1',
    );
    expect(code).toBe(0);
    expect(toRows(stdout)).toMatchObject([{ deviceId: '-four' }]);
  });

  it('knows whether there are more rows than the limit', async () => {
    const stored = fromStorage(history.world.storage, []);
    for (const [limit, more] of [
      [1, true],
      [2, true],
      [3, false],
      [4, false],
    ] as const) {
      const pages = await Array.fromAsync(pagesOf(stored, { deviceId: 'one' }, limit));
      expect(pages.map(({ rows, more }) => [rows.length, more])).toEqual([[Math.min(3, limit), more]]);
    }
  });

  it('prints a table without colours when there is no terminal, and says when there are more rows', async () => {
    const { code, stdout, stderr } = await history.ask('drift', '--limit', '2');
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

  it('says that no row matches, and how to look further back', async () => {
    const { code, stdout } = await history.ask('drift', '--outcome', 'failed');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^No row of the history matches from .* --from -30d looks further back\.\n$/);
  });

  it('prints CSV with column names, also without rows', async () => {
    const { stdout } = await history.ask('drift', '--csv', '--path', 'Login_UsePAM');
    const [head, line, ...rest] = stdout.split('\n');
    expect(head).toMatch(/^detectedAt,hub,deviceId,/);
    expect(line).toContain(',two,DefenderIotMicroAgent,defender-micro-agent,Login_UsePAM,wrongValue,false,');
    expect(rest).toEqual(['']);
    expect((await history.ask('drift', '--csv', '--outcome', 'failed')).stdout).toBe(`${head}\n`);
  });

  it('prints CSV that a spreadsheet opens right', async () => {
    const { stdout } = await history.ask('drift', '--csv', '--excel', '--path', 'Login_UsePAM');
    const [head = [], line = [], ...rest] = openCsv(stdout, ',');
    const deviceId = line[head.findIndex(({ value }) => value === 'deviceId')];
    expect([deviceId, rest]).toEqual([{ type: 'text', value: 'two' }, []]);
    const other = await history.ask('drift', '--csv', '--excel', 'semicolon', '--path', 'Login_UsePAM');
    expect(openCsv(other.stdout, ';').map((cells) => cells.length)).toEqual([head.length, head.length]);
  });

  it('stops without a message when its reader has gone', async () => {
    const { child, ended, stderr } = twinkeeper(
      ['drift', '--json', '--endpoints', history.endpoints],
      history.projectRoot,
    );
    child.stdout?.destroy();
    expect([0, 141]).toContain(await ended);
    expect(stderr()).toBe('');
  });

  it('follows the history: shows a new row once, and again with a new outcome, and ends on Ctrl-C', async () => {
    const { child, ended, stdout, stderr, says } = twinkeeper(
      ['drift', '--follow', '--json', '--device', 'three', '--limit', '1', '--endpoints', history.endpoints],
      history.projectRoot,
    );
    await says('"outcome":"created"');
    expect(toRows(stdout())).toHaveLength(1);
    history.disturb('three', { Process_Mode: 2 });
    await history.enforcing.settle();
    await says('"path":"Process_Mode"');
    await says('"outcome":"enforced"');
    history.disturb('one', { Process_Mode: 2 });
    history.disturb('three', { Process_CacheSize: 1 });
    await history.enforcing.settle();
    await says('"path":"Process_CacheSize"');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(stderr()).toBe('');
    const lines = toRows(stdout()).map(({ path, outcome }) => `${path} ${outcome}`);
    // Rows with the outcome `pending` are ignored: it depends on the time of the poll whether `--follow` shows them.
    expect(lines.filter((line) => !line.endsWith('pending'))).toEqual([
      ' created',
      'Process_Mode enforced',
      'Process_CacheSize enforced',
    ]);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['a malformed time', ['--from', 'noon'], /must be a time, such as 2026/],
    ['a limit of 0', ['--limit', '0'], /whole number, 1 or more/],
    ['an unknown kind', ['--kind', 'odd'], /Allowed choices are missingModule/],
    ['an end of --follow', ['--follow', '--to', '-1h'], /cannot be used with option '--to/],
    ['two output formats', ['--json', '--csv'], /cannot be used with option/],
    ['--excel without CSV', ['--excel'], /give --csv too/],
    ['an unknown separator', ['--csv', '--excel', 'tab'], /Allowed choices are comma, semicolon/],
    ['two sources', ['--url', 'https://localhost'], /cannot be used with option '--endpoints/],
    ['a key without an address', ['--key', 'k'], /--key needs --url/],
    ['a time range that ends before it begins', ['--from', '-1h', '--to', '-2h'], /swap them/],
  ])('refuses %s with one line that says what to do', async (_, args, why) => {
    const { code, stdout, stderr } = await history.ask('drift', ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
  });
});

describe('a command that reads the history', () => {
  it('refuses a malformed device id', async () => {
    const { code, stderr } = await history.ask('drift', '--device', "x' or true");
    expect(code).toBe(1);
    expect(stderr).toMatch(/x' or true.*It must be 1 to 128 letters, digits and /);
  });

  it.each([['drift'], ['status'], ['device', 'one']])(
    'says that storage refuses access with a wrong key: %j',
    async (...command) => {
      const storage = history.world.storage.connectionString.replace(
        /AccountKey=[^;]+/,
        `AccountKey=${btoa('not the key of it')}`,
      );
      const { code, stdout, stderr } = await history.run(...command, '--storage', storage);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        /^twinkeeper: The key of the connection string tried to use tables on the storage account .*\(403, \w+\)\.\n$/,
      );
    },
  );

  it('says that storage cannot be reached', async () => {
    const storage = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:9/a;';
    const { code, stderr } = await history.run('drift', '--storage', `${storage}QueueEndpoint=http://127.0.0.1:9/a;`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^twinkeeper: The storage account cannot be reached: .*127\.0\.0\.1:9.*\n$/);
  });
});
