/** Runs the curl examples of `docs/history-and-api.md` unchanged with `sh`, against the local system that `npm start` starts. */
import { execFile, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { csvHeader } from '../../functions/api/drift-csv.ts';
import { demoDevice } from '../../infra/local/demo/fleet.ts';
import { Operator } from '../../infra/local/demo/operator.ts';
import type { SystemEndpoints } from '../../infra/local/endpoints-file.ts';
import { buildOwnProject, type OwnProject } from '../support/own-project.ts';
import { openCsv } from '../support/spreadsheet-reader.ts';
import { project, type Run, twinkeeper } from './twinkeeper.ts';

/**
 * True when curl is not installed. The tests of the examples are then skipped. In CI this is always false, so that the tests fail instead.
 */
const isWithoutCurl = spawnSync('curl', ['--version']).error !== undefined && process.env.CI === undefined;
if (isWithoutCurl) {
  console.warn('The curl examples are skipped. There is no curl: install it ("apt-get install -y curl").');
}

interface Printed {
  readonly stdout: string;
  /** HTTP statuses of the requests that the example made, in their order. */
  readonly statuses: readonly number[];
}

/** Checks the output of one example. Throws when the output is not as promised. */
type Promised = (printed: Printed) => void;

const json = ({ stdout }: Printed) => JSON.parse(stdout) as unknown;
const some = (shape: object) => expect.arrayContaining([expect.objectContaining(shape)]);
const text = expect.any(String) as string;
const number = expect.any(Number) as number;

const answersWith =
  (shape: object, status = 200): Promised =>
  (printed) => {
    expect(printed.statuses).toEqual([status]);
    expect(json(printed)).toMatchObject(shape);
  };

/** The expected output of each example. The first entry is text that only this example contains. */
const promises: readonly (readonly [string, Promised])[] = [
  ['"$URL/drift" ', answersWith({ rows: some({ deviceId: text, policy: text, outcome: text }), cursor: text })],
  [
    'kind=missingModule&outcome=created',
    (printed) => {
      answersWith({ rows: some({ kind: 'missingModule', outcome: 'created' }) })(printed);
      expect(json(printed)).toHaveProperty('rows.length', 5);
    },
  ],
  [
    'x-ndjson',
    ({ stdout, statuses }) => {
      expect(statuses).toEqual([200]);
      const lines = stdout.split('\n');
      expect(lines.pop()).toBe('');
      // One page of JSON has at most 100 rows by default.
      expect(lines.length).toBeGreaterThan(100);
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ deviceId: text, rowKey: text });
    },
  ],
  ['/drift/open', answersWith({ rows: expect.any(Array) })],
  ['/summary?', answersWith({ bucket: '1h', total: number, buckets: some({ total: number }) })],
  [
    'DEVICE=$(curl',
    ({ stdout, statuses }) => {
      expect({ stdout, statuses }).toEqual({ stdout: '', statuses: [200] });
    },
  ],
  ['"$URL/devices/$DEVICE" ', answersWith({ exists: true, modules: some({ properties: some({ rule: text }) }) })],
  ['/reconcile', answersWith({ deviceId: text, status: 'done' })],
  [
    'excel=comma',
    ({ stdout, statuses }) => {
      expect(statuses).toEqual([200]);
      const [[first] = [], ...lines] = openCsv(stdout, ',');
      expect(first?.value).toBe('detectedAt');
      expect(lines.length).toBeGreaterThan(0);
    },
  ],
  [
    '"$URL/drift?deviceId=$DEVICE"',
    ({ stdout, statuses }) => {
      expect(statuses).toEqual([200]);
      const [head, first = ''] = stdout.split('\n');
      expect(`${head}\n`).toBe(csvHeader);
      expect(first).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z,/);
    },
  ],
  ['/devices?', answersWith({ devices: some({ deviceId: text }), searched: { by: 'query', complete: true } })],
  ['/policies', answersWith({ policies: some({ name: 'azureiotsecurity', devices: number }) })],
  ['/sweeps?', answersWith({ sweeps: some({ id: text, trigger: text }) })],
  ['# 202: a sweep begins', answersWith({ status: 'accepted' }, 202)],
  ['--data-urlencode', answersWith({ status: 'accepted' }, 202)],
  ['/actions', answersWith({ actions: some({ action: 'sweep', reason: 'after the outage', result: 'done' }) })],
  ['/dead-letters', answersWith({ letters: expect.any(Array) })],
  ['/health"', answersWith({ status: 'healthy' })],
  ['/health/details', answersWith({ status: 'healthy', checks: expect.any(Object) })],
  [
    '/openapi.json',
    ({ stdout, statuses }) => {
      expect(statuses).toEqual([200]);
      expect(stdout).toContain("'/devices/{deviceId}/reconcile'");
    },
  ],
  [
    'limit=0',
    ({ stdout, statuses }) => {
      expect(statuses).toEqual([400]);
      expect(stdout).toMatch(/^HTTP\/1\.1 400 [\s\S]*^content-type: application\/problem\+json\r$/m);
      expect(JSON.parse(stdout.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 400, parameter: 'limit' });
    },
  ],
  [
    'while PAGE=',
    ({ stdout, statuses }) => {
      const pages = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly rows: readonly object[]; readonly cursor?: string });
      expect(pages.length).toBeGreaterThan(2);
      expect(statuses).toEqual(pages.map(() => 200));
      expect(pages.map(({ cursor }) => typeof cursor)).toEqual([...pages.slice(1).map(() => 'string'), 'undefined']);
      const keys = pages.flatMap(({ rows }) => rows.map((row) => JSON.stringify(row, ['deviceId', 'rowKey'])));
      expect(new Set(keys).size).toBe(keys.length);
    },
  ],
];

const heading = '### Examples with curl';
/** The tests skip this command, because they have started the system already. */
const startCommand = 'npm start -- --endpoints local.json';

/** The shell commands below the heading. A command continues over several lines until `sh` accepts it as complete. */
function commandsOf(page: string): readonly string[] {
  const [, section = ''] = page.split(`\n${heading}\n`);
  const lines = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.split('\n'))
    .filter((line) => line !== startCommand);
  const commands: string[] = [];
  let begun: string[] = [];
  for (const line of lines) {
    begun.push(line);
    const isWhole = !line.endsWith('\\') && spawnSync('sh', ['-n'], { input: begun.join('\n') }).status === 0;
    if (!isWhole) continue;
    if (begun.join('').trim() !== '') commands.push(begun.join('\n'));
    begun = [];
  }
  return begun.length === 0 ? commands : [...commands, begun.join('\n')];
}

/** These devices give more rows than one page of JSON: each device lacks the modules of both fixture policies. */
const fleet = Array.from({ length: 60 }, (_, index) => demoDevice(index, 'bulk'));
/** The device that was repaired last, which the examples choose. Its id has characters that must be encoded in a URL. */
const repairedDevice = demoDevice(3, 'bulk').deviceId;

describe.skipIf(isWithoutCurl)('the test of the curl examples', () => {
  let ownProject: OwnProject;
  let folder: string;
  let run: Run;
  let page: string;

  beforeAll(async () => {
    ownProject = await buildOwnProject();
    page = await readFile(join(project, 'docs/history-and-api.md'), 'utf8');
    folder = await mkdtemp(join(tmpdir(), 'twinkeeper-curl-'));
    // The examples run in a folder with the project's `package.json`, which tells Node.js how to read a script.
    await copyFile(join(project, 'package.json'), join(folder, 'package.json'));
    // This `.curlrc` lets curl print the status of each request, so the examples can stay unchanged.
    await writeFile(join(folder, '.curlrc'), 'write-out = "%{stderr}\\nstatus %{http_code}\\n"\n');
    const file = join(folder, 'local.json');
    // The system runs without the demo. The demo sometimes deletes a device, and it could be the device that an example has chosen.
    run = twinkeeper(['local', '--no-demo', '--endpoints', file], ownProject.root);
    await run.says('Ready.');
    const endpoints = JSON.parse(await readFile(file, 'utf8')) as SystemEndpoints;
    const ask = async (path: string, method = 'GET') => {
      const headers = { 'x-functions-key': endpoints.masterKey };
      return (await (await fetch(`${endpoints.functionsUrl}/api/${path}`, { method, headers })).json()) as object;
    };
    const counted = { policies: [{ devices: number }, { devices: number }] };
    const operator = await Operator.connect(endpoints);
    await operator.createInBulk(fleet);
    const created = 'drift?outcome=created&limit=1000';
    await vi.waitFor(async () => expect(await ask(created)).toHaveProperty('rows.length', 2 * fleet.length), waiting);
    const patch = { Process_Disabled: true };
    await operator.carryOut({
      kind: 'wrongValue',
      deviceId: repairedDevice,
      steps: [{ type: 'patchDesired', moduleId: 'DefenderIotMicroAgent', patch }],
      atOnce: false,
      departures: [],
    });
    const enforced = { rows: [{ deviceId: repairedDevice }] };
    await vi.waitFor(async () => expect(await ask('drift?outcome=enforced')).toMatchObject(enforced), waiting);
    await vi.waitFor(async () => expect(await ask('summary')).toHaveProperty('buckets.0'), waiting);
    await ask('sweep', 'POST');
    await vi.waitFor(async () => expect(await ask('sweeps')).toHaveProperty('sweeps.0.endedAt'), waiting);
    await vi.waitFor(async () => expect(await ask('policies')).toMatchObject(counted), waiting);
  }, 180_000);
  const waiting = { timeout: 120_000, interval: 250 };

  afterAll(async () => {
    run?.child.kill('SIGTERM');
    await run?.ended;
    await rm(folder, { recursive: true });
  });

  /** Runs all commands in one shell, and describes each command whose output is not as promised. */
  async function faultsOf(markdown: string): Promise<readonly string[]> {
    const commands = commandsOf(markdown);
    const place = await mkdtemp(join(folder, 'run-'));
    await Promise.all(commands.map((command, index) => writeFile(join(place, `${index}.sh`), `${command}\n`)));
    const each = commands.map((_, index) => {
      const file = join(place, String(index));
      return `. ${file}.sh > ${file}.out 2> ${file}.err; echo $? > ${file}.code\n`;
    });
    await writeFile(join(place, 'all.sh'), each.join(''));
    const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);
    const env = { ...process.env, PATH, CURL_HOME: folder };
    await promisify(execFile)('sh', [join(place, 'all.sh')], { cwd: folder, env }).catch(() => {});
    const read = (index: number, form: string) => readFile(join(place, `${index}.${form}`), 'utf8').catch(() => '');

    const faults: string[] = [];
    const kept = new Set<string>();
    for (const [index, command] of commands.entries()) {
      const [stdout, stderr, code] = await Promise.all(['out', 'err', 'code'].map((form) => read(index, form)));
      const statuses = [...(stderr ?? '').matchAll(/^status (\d+)$/gm)].map(([, status]) => Number(status));
      const its = promises.filter(([mark]) => command.includes(mark));
      for (const [mark] of its) kept.add(mark);
      if (code?.trim() !== '0') faults.push(`${command}: ended with ${code?.trim() || 'the shell'}: ${stderr}`);
      else if (its.length !== (/\bcurl\b/.test(command) ? 1 : 0)) faults.push(`${command}: ${its.length} promises`);
      for (const [, keeps] of its) {
        try {
          keeps({ stdout: stdout ?? '', statuses });
        } catch (error) {
          faults.push(`${command}: ${(error as Error).message}\n${stdout?.slice(0, 1000)}${stderr?.slice(0, 1000)}`);
        }
      }
    }
    return [...faults, ...promises.filter(([mark]) => !kept.has(mark)).map(([mark]) => `there is no example ${mark}`)];
  }

  it('passes with the unchanged documentation', async () => {
    expect(await faultsOf(page)).toEqual([]);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'an address that does not exist',
      'functionsUrl")/api',
      'functionsUrl")/apis',
      /^curl "\$URL\/health"[\s\S]*status 404/,
    ],
    [
      'a key without the right to write',
      '"$MASTER" "$URL/sweep"',
      '"$KEY" "$URL/sweep"',
      /^curl .*\/sweep"[\s\S]*status 401/,
    ],
    ['an unknown parameter', 'bucket=1h', 'buckets=1h', /^curl .*buckets=1h[\s\S]*"status":400/],
    ['a missing quote', '"$URL/drift/open"', '"$URL/drift/open', /^curl .*\/open [\s\S]*ended with the shell/],
    ['an unknown command', 'CURSOR=$(printf', 'CURSOR=$(printff', /^while PAGE=[\s\S]*printff: (command )?not found/],
    ['an example without an expected answer', 'curl "$URL/health"', 'curl "$URL"', /^curl "\$URL": 0 promises$/],
    ['no examples', '```sh', '```text', /^there is no example \/openapi\.json$/],
  ])('fails with %s', async (_, right, wrong, fault) => {
    const [before = '', section = ''] = page.split(heading);
    expect(section).toContain(right);
    const faults = await faultsOf(`${before}${heading}${section.replaceAll(right, () => wrong)}`);
    expect(
      faults.filter((each) => fault.test(each)),
      faults.join('\n'),
    ).toHaveLength(1);
  });
});
