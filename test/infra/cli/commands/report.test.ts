/** Tests of the built command `twinkeeper report`, with a storage account and with the running app. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActionLog } from '../../../../shared/actions/index.ts';
import { createRollups, noKnownRows } from '../../../../shared/drift/index.ts';
import { createPolicyVersions } from '../../../../shared/evidence/index.ts';
import { definePolicy, type PolicyDefinition, policyHash, toPolicySet } from '../../../../shared/policy/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { type Api, keys, startApi } from '../../../functions/api/api-host.ts';
import { driftRow } from '../../../support/drift-rows.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { buildOwnProject, type OwnProject } from '../../../support/own-project.ts';
import { openCsv } from '../../../support/spreadsheet-reader.ts';

interface Summary {
  readonly html: string;
  readonly policies: readonly string[];
  readonly departures: number;
  readonly openAtEnd: number;
  readonly actions: number;
  readonly sealedDays?: number;
  readonly files: readonly {
    readonly path: string;
    readonly content: string;
    readonly rows: number;
    readonly sha256: string;
  }[];
}

const old = definePolicy({ name: 'old', module: 'm', desired: { a: 1 } });
const later = definePolicy({ name: 'old', module: 'm', desired: { a: 2 } });
const versionOf = (policy: PolicyDefinition) => toPolicySet([policy], { mode: 'audit' }).all.map(policyHash)[0] ?? '';

let api: Api;
let project: OwnProject;
let folder: string;
const day = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * day).toISOString();

beforeAll(async () => {
  [project, api] = await Promise.all([buildOwnProject(), startApi()]);
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-report-'));
  const { storage, journal } = api.world;
  const inForce: readonly (readonly [days: number, app: string, policies: readonly PolicyDefinition[]])[] = [
    [20, '0.9.0', [old]],
    [10, '1.0.0', policies],
    [1, '1.0.0', [...policies, later]],
  ];
  for (const [days, app, definitions] of inForce) {
    const versions = createPolicyVersions(storage, () => new Date(daysAgo(days)));
    await versions.record(toPolicySet(definitions, { mode: 'audit' }).all, app);
  }
  for (const policy of ['old', 'defender-micro-agent']) {
    const log = createActionLog(storage, { now: () => new Date(daysAgo(12)), appVersion: '0.9.0' });
    const release = { action: 'release', by: { type: 'app' }, target: { policy }, reason: `for ${policy}` } as const;
    await log.record(
      release,
      async () => {},
      () => 'released',
    );
  }
  await api.addDevice('00012');
  api.disturb('00012', { Process_Disabled: true });
  await api.keeping.settle();
  // Four days ago: more rows than one page has. One was held back when it was a day old, and one from before is open still.
  const rows = Array.from({ length: 1100 }, (_, index) =>
    driftRow('press', daysAgo(4 - index / 10_000), { path: `p${index}`, policy: 'old' }),
  );
  const heldBack = driftRow('held', daysAgo(4), {
    policy: 'old',
    outcome: 'enforced',
    outcomeAt: daysAgo(2),
    transitions: [
      { at: daysAgo(4), outcome: 'heldBack', reason: 'contested: somebody', by: 'event' },
      { at: daysAgo(2), outcome: 'enforced', by: 'sweep' },
    ],
  });
  // Detected before each range, open at the end of one, and over now.
  const over = driftRow('over', daysAgo(25), {
    policy: 'old',
    outcome: 'gone',
    outcomeAt: daysAgo(1),
    transitions: [
      { at: daysAgo(25), outcome: 'deferred', by: 'event' },
      { at: daysAgo(1), outcome: 'gone', by: 'event' },
    ],
  });
  const failed = driftRow('=broken', daysAgo(15), { policy: 'old', outcome: 'failed', error: 'refused: <b>' });
  for (const [id, all] of [
    ['press', rows],
    ['held', [heldBack]],
    ['over', [over]],
    ['=broken', [failed]],
  ] as const) {
    await journal.write(id, all, noKnownRows());
  }
  await createRollups(storage, () => new Date()).refresh([{ name: 'defender-micro-agent', devices: 4 }]);
  expect((await api.post('sweep?reason=after%20the%20outage')).status).toBe(202);
}, 180_000);
afterAll(async () => {
  await api?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function run(...args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(['report', ...args], project.root);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

const stored = () => ['--storage', api.world.storage.connectionString];
const overHttp = () => ['--url', api.host.endpoints.functionsUrl, '--key', keys.functionKey];

/** Makes a report, and returns its summary and its files. */
async function made(name: string, ...args: readonly string[]) {
  const html = join(folder, name);
  const { code, stdout, stderr } = await run('--output', html, '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const summary = JSON.parse(stdout) as Summary;
  const csv = async (content: string) => {
    const file = summary.files.find((each) => each.content === content);
    return readFile(file?.path ?? '', 'utf8');
  };
  return { summary, html: await readFile(html, 'utf8'), csv };
}

describe('twinkeeper report', () => {
  it('says the same from the storage account and from the running app, and its files are those that it names', async () => {
    const range = ['--from', daysAgo(5), '--to', daysAgo(0)];
    const [fromStorage, fromApp] = [
      await made('new/folder/a.html', ...range, ...stored()),
      await made('b.html', ...range, ...overHttp()),
    ];
    const numbersOf = ({
      summary: { html: _, files, madeAt: __, sealedDays: ___, ...numbers },
    }: {
      summary: Summary & { madeAt?: string };
    }) => {
      return { ...numbers, files: files.map(({ content, rows, sha256 }) => ({ content, rows, sha256 })) };
    };
    expect(numbersOf(fromApp)).toEqual(numbersOf(fromStorage));
    // The seals are in the storage account, and the app does not show them.
    expect([fromStorage.summary.sealedDays, fromApp.summary.sealedDays]).toEqual([0, undefined]);
    const { summary, html, csv } = fromStorage;
    expect(summary).toMatchObject({ departures: 1104, openAtEnd: 1, actions: 1 });
    expect(summary.policies).toEqual(expect.arrayContaining(['defender-micro-agent', 'old']));
    for (const { path, rows, sha256 } of summary.files) {
      const text = await readFile(path, 'utf8');
      expect(createHash('sha256').update(text).digest('hex')).toBe(sha256);
      expect(text.trimEnd().split('\n')).toHaveLength(rows + 1);
      expect(html).toContain(sha256);
    }
    expect(await csv('open')).toMatch(/^outcomeAtEnd,.*\nfailed,.*,'=broken,/);
    expect(html).toContain('200 of 1,104 departures');
    expect(html).toContain('held back</span> by event: contested: somebody');
    expect(html).toContain('after the outage');
    expect(html).toContain('refused: &lt;b&gt;');
    expect(html).toContain('the storage account of the app');
    expect(fromApp.html).toContain(`the app at ${new URL(api.base).origin}`);
    expect(`${fromApp.html}${html}`).not.toContain(keys.functionKey);
  });

  it('is about one policy, at a time in the past: what was open then, and the version that was in force', async () => {
    const { summary, html, csv } = await made(
      'old.html',
      '--policy',
      'old',
      '--from',
      '-18d',
      '--to',
      '-3d',
      ...stored(),
    );
    expect(summary).toMatchObject({ policies: ['old'], departures: 1102, openAtEnd: 3, actions: 1 });
    const lines = (await csv('open')).split('\n');
    expect(lines.map((line) => line.split(',')[0])).toEqual(['outcomeAtEnd', 'heldBack', 'failed', 'deferred', '']);
    expect(html).toContain('<h1>Policy old</h1>');
    expect(html).toMatch(/<td class="word">audit<\/td><td><time[^>]*>[^<]*<\/time><\/td><td><time/);
    expect(html).toContain('for old');
    expect(html).toContain(versionOf(old));
    expect(html).not.toContain(versionOf(later));
    expect(html).toContain('Not counted');
    expect(html).not.toContain('defender-micro-agent');
  });

  it('leaves out a policy that came after the range', async () => {
    const { summary } = await made('early.html', '--from', '-18d', '--to', '-11d', ...stored());
    expect(summary.policies).toEqual(['defender-micro-agent', 'old']);
    const { html } = await made(
      'new.html',
      '--policy',
      'azureiotsecurity',
      '--from',
      '-18d',
      '--to',
      '-11d',
      ...stored(),
    );
    expect(html).toContain('No definition of this policy is kept');
  });

  it('writes CSV that a spreadsheet opens right', async () => {
    const { csv } = await made('excel.html', '--excel', '--from', '-20d', ...stored());
    for (const content of ['departures', 'open', 'actions', 'compliance by hour']) {
      const [head = [], ...lines] = openCsv(await csv(content), ',');
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        expect(line).toHaveLength(head.length);
        for (const { type } of line) expect(['text', 'number', 'empty']).toContain(type);
      }
    }
    const [head = [], line = []] = openCsv(await csv('open'), ',');
    expect(line[head.findIndex(({ value }) => value === 'deviceId')]).toEqual({ type: 'text', value: '=broken' });
  });

  it('overwrites no file without --force, and leaves no half file behind', async () => {
    const html = join(folder, 'kept.html');
    const open = join(folder, 'kept-open.csv');
    await writeFile(open, 'mine');
    const refused = await run('--output', html, '--from', '-1d', ...stored());
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toBe(
      `twinkeeper: ${open} exists already: give --force to overwrite, or another --output.\n`,
    );
    expect(await readFile(open, 'utf8')).toBe('mine');
    const forced = await run('--output', html, '--from', '-1d', '--force', ...stored());
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    expect(forced.stdout).toMatch(/kept\.html is written: \d+ departures?, \d+ open at the end, \d+ actions?\.\n/);
    expect(await readFile(open, 'utf8')).toMatch(/^outcomeAtEnd,/);
    const unreachable = await run('--output', join(folder, 'gone.html'), '--url', 'http://127.0.0.1:1', '--key', 'k');
    expect(unreachable).toMatchObject({ code: 1, stdout: '' });
    expect((await readdir(folder)).filter((name) => name.startsWith('gone') || name.endsWith('.partial'))).toEqual([]);
  });

  it('ends on Ctrl-C, also while it finds no row, and leaves no half file behind', async () => {
    // A search for rare rows answers with empty pages. This one never ends.
    let pages = 0;
    const server = createServer(({ url = '' }, response) => {
      const isDrift = url.startsWith('/api/drift');
      if (isDrift) pages++;
      const answer = isDrift ? { rows: [], cursor: `c${pages}` } : { buckets: [], compliance: [], fleet: [] };
      response.end(JSON.stringify(answer));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const output = ['--output', join(folder, 'ended.html'), '--url', address, '--key', 'k'];
      const { child, ended, stderr } = twinkeeper(['report', ...output], project.root);
      await expect.poll(() => pages).toBeGreaterThan(2);
      child.kill('SIGINT');
      expect(await ended).toBe(1);
      expect(stderr()).toContain('The report was interrupted, and nothing is written.');
      expect((await readdir(folder)).filter((name) => name.startsWith('ended'))).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'an unknown policy',
      ['--policy', 'nobody'],
      /Nothing is known of a policy nobody\. Known are: .*defender-micro-agent/,
    ],
    ['a range that ends before it begins', ['--from', '-1d', '--to', '-2d'], /is not before the end of the range/],
    ['a range in the future', ['--from', '2999-01-01', '--to', '2999-02-01'], /is not before the end of the range/],
    ['a range that is too long', ['--from', '-500d'], /at most 400 days/],
  ])('refuses %s with one line that says what to do', async (_, args, why) => {
    const { code, stdout, stderr } = await run('--output', join(folder, 'refused.html'), ...args, ...stored());
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect((await readdir(folder)).filter((name) => name.startsWith('refused'))).toEqual([]);
  });
});
