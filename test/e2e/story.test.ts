/**
 * A story that an auditor asks about: repairs that were held back, one that failed, a letter that was replayed, and a limit that somebody
 * lifted. In the end everything is repaired. The tests check that API, command and page still tell what happened.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type {
  ActionsAnswer,
  DeadLettersPage,
  DriftPage,
  DriftRow,
  OpenThenPage,
  PolicyVersionsAnswer,
} from '../../functions/api/answers.ts';
import { launchChromium } from '../../infra/build/chromium.ts';
import { demoDevice } from '../../infra/local/demo/fleet.ts';
import { Operator } from '../../infra/local/demo/operator.ts';
import type { SystemEndpoints } from '../../infra/local/endpoints-file.ts';
import { buildOwnProject } from '../support/own-project.ts';
import { eventually, isWithoutChromium, watchedPage } from './browser.ts';
import { type Run, twinkeeper } from './twinkeeper.ts';

const policy = 'defender-micro-agent';
const moduleId = 'DefenderIotMicroAgent';
/** A repair that failed opens the breaker of the hub client, so the replayed letter waits for a probe. */
const waiting = { timeout: 150_000, interval: 300 };
/** A device whose repair fails, and twenty that somebody changes at once. The limit is six twins an hour, so fifteen are held back. */
const fleet = Array.from({ length: 21 }, (_, index) => demoDevice(index, 'bulk'));
const failing = fleet.slice(0, 1).map(({ deviceId }) => deviceId);
const changed = fleet.slice(1).map(({ deviceId }) => deviceId);

let run: Run;
let folder: string;
let root: string;
let file: string;
let endpoints: SystemEndpoints;
/** The time at which the repairs were held back. */
let heldAt: string;

async function get<T>(path: string, method = 'GET'): Promise<T> {
  const headers = { 'x-functions-key': endpoints.masterKey };
  const answer = await fetch(`${endpoints.functionsUrl}/api/${path}`, { method, headers });
  return (await answer.json()) as T;
}
const rowsOf = async (query: string) =>
  (await get<DriftPage>(`drift?policy=${policy}&kind=wrongValue&limit=1000&${query}`)).rows;
const devicesOf = (rows: readonly DriftRow[]) => rows.map(({ deviceId }) => deviceId).toSorted();
const command = async (...args: readonly string[]) =>
  (await promisify(execFile)(process.execPath, [join(root, 'dist/twinkeeper.js'), ...args, '--endpoints', file]))
    .stdout;
async function putFaults(faults: readonly object[]): Promise<void> {
  const answer = await fetch(`${endpoints.controlUrl}/faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
  if (!answer.ok) throw new Error(await answer.text());
}

beforeAll(async () => {
  root = (await buildOwnProject()).root;
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-story-'));
  file = join(folder, 'local.json');
  vi.stubEnv('TWINKEEPER_BLAST_RADIUS', '6');
  vi.stubEnv('TWINKEEPER_RETRY_ATTEMPTS', '1');
  vi.stubEnv('TWINKEEPER_ROLLUP_SCHEDULE', '* * * * * *');
  vi.stubEnv('TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 1 1 *');
  run = twinkeeper(['local', '--no-demo', '--endpoints', file], root);
  vi.unstubAllEnvs();
  await run.says('Ready.');
  endpoints = JSON.parse(await readFile(file, 'utf8')) as SystemEndpoints;
  const operator = await Operator.connect(endpoints);
  await operator.createInBulk(fleet);
  await vi.waitFor(
    async () => expect((await get<DriftPage>('drift?outcome=created&limit=1000')).rows).toHaveLength(2 * fleet.length),
    waiting,
  );
  const disturb = (deviceId: string) =>
    operator.carryOut({
      ...{ kind: 'wrongValue', deviceId, atOnce: false, departures: [] },
      steps: [{ type: 'patchDesired', moduleId, patch: { Process_Disabled: true } }],
    });

  await putFaults([{ share: 1, classes: ['twinUpdate'], caller: 'twinkeeper', kinds: [{ status: 500 }] }]);
  for (const deviceId of failing) await disturb(deviceId);
  await vi.waitFor(async () => expect(devicesOf(await rowsOf('outcomeNow=failed'))).toEqual(failing), waiting);
  await putFaults([]);
  const { letters } = await get<DeadLettersPage>('dead-letters');
  expect(letters.map(({ deviceId }) => deviceId).toSorted()).toEqual(failing);
  for (const { id } of letters) await get(`dead-letters/${id}/replay?reason=the+hub+is+back`, 'POST');
  await vi.waitFor(async () => expect(devicesOf(await rowsOf('outcomeNow=enforced'))).toEqual(failing), waiting);

  for (const deviceId of changed) await disturb(deviceId);
  await vi.waitFor(async () => expect(await rowsOf('outcomeNow=heldBack')).toHaveLength(15), waiting);
  heldAt = new Date().toISOString();
  await command('release', policy, '--reason', 'change 4711');
  await get('sweep?reason=repair+now', 'POST');
  await vi.waitFor(
    async () => expect(devicesOf(await rowsOf('outcomeNow=enforced'))).toEqual([...failing, ...changed].toSorted()),
    waiting,
  );
}, 400_000);

afterAll(async () => {
  run?.child.kill('SIGTERM');
  await run?.ended;
  if (folder !== undefined) await rm(folder, { recursive: true });
});

describe('after everything was repaired', () => {
  it('no row has an error, and the API still tells which were held back, and which failed', async () => {
    const all = await rowsOf('');
    expect(all.every(({ outcome, error }) => outcome === 'enforced' && error === undefined)).toBe(true);
    const held = await rowsOf('outcome=heldBack');
    expect(held).toHaveLength(15);
    for (const { transitions = [] } of held) {
      expect(transitions[0]).toMatchObject({
        outcome: 'heldBack',
        by: 'event',
        reason: expect.stringContaining('blastRadius'),
      });
      expect(transitions.at(-1)).toMatchObject({ outcome: 'enforced', by: 'sweep' });
    }
    const failed = await rowsOf('outcome=failed');
    expect(devicesOf(failed)).toEqual(failing);
    for (const { transitions = [] } of failed) {
      expect(transitions.map(({ outcome }) => outcome)).toEqual(expect.arrayContaining(['failed', 'enforced']));
    }
    expect(await rowsOf('outcomeNow=heldBack')).toEqual([]);
  });

  it('the API tells who released and replayed what, and why', async () => {
    const { actions } = await get<ActionsAnswer>('actions');
    const told = actions.map(({ action, target, reason, result }) => ({ action, target, reason, result }));
    expect(told).toContainEqual({ action: 'release', target: { policy }, reason: 'change 4711', result: 'done' });
    expect(told.filter(({ action, reason }) => action === 'replay' && reason === 'the hub is back')).toHaveLength(1);
    expect(told).toContainEqual({ action: 'sweep', target: {}, reason: 'repair now', result: 'done' });
    expect(actions.find(({ action }) => action === 'release')?.by).toMatchObject({ type: 'commandLine' });
    const { letters } = await get<DeadLettersPage>('dead-letters?state=replayed');
    expect(letters.map(({ deviceId }) => deviceId).toSorted()).toEqual(failing);
  });

  it('the API tells what was out of line while the limit held, and by which version of the policy', async () => {
    const { rows, standing } = await get<OpenThenPage>(`drift/open?policy=${policy}&at=${heldAt}`);
    expect(rows).toHaveLength(15);
    expect(rows.every(({ was, outcome }) => was.outcome === 'heldBack' && outcome === 'enforced')).toBe(true);
    const version = standing?.policies.find((one) => one.policy === policy)?.version;
    expect(new Set(rows.map(({ policyVersion }) => policyVersion))).toEqual(new Set([version]));
    const { versions } = await get<PolicyVersionsAnswer>(`policies/${policy}/versions`);
    expect(versions.map((one) => one.version)).toContain(version);
    expect((await rowsOf(`openFrom=${heldAt}`)).length).toBe(15);
  });

  it('the command tells the same', async () => {
    const lines = (await command('drift', '--json', '--outcome', 'heldBack')).trim().split('\n');
    expect(lines).toHaveLength(15);
    const { deviceId } = JSON.parse(lines[0] ?? '') as DriftRow;
    const course = await command('device', deviceId);
    expect(course).toMatch(/Z heldBack by event: blastRadius.*\n(.*\n)*? +[-0-9T:]+Z enforced by sweep/);
    await expect(command('device', deviceId, '--at', heldAt)).rejects.toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/Process_Disabled +heldBack +since/),
    });
    await expect(command('status', '--at', heldAt)).rejects.toMatchObject({
      code: 2,
      stdout: expect.stringContaining('Open drift  15\n  15 heldBack\n'),
    });
    expect(await command('actions')).toMatch(/release .*change 4711/);
  });

  it.skipIf(isWithoutChromium)('the page tells the same', async () => {
    const address = /dashboard {2}(\S+)/.exec(run.stdout())?.[1] ?? '';
    const browser = await launchChromium();
    try {
      const { page, faults } = await watchedPage(browser, endpoints.functionsUrl);
      await page.goto(`${address}&outcome=heldBack&policy=${policy}`);
      await page.locator('#actions-card').getByText('change 4711').waitFor();
      await eventually(() => page.locator('#rows tr').count()).toBe(15);
      await page.locator('#rows tr').first().click();
      const drawer = page.getByRole('dialog');
      await drawer.getByText('change 4711').waitFor();
      const course = (await drawer.innerText()).replaceAll(/\s+/g, ' ');
      expect(course).toMatch(/held back.*change 4711.*repair now.*enforced/i);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
