import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { demoPolicies } from '../../infra/local/demo/demo-policies.ts';
import { wantedModules } from '../../infra/local/demo/departures.ts';
import { demoFleet } from '../../infra/local/demo/fleet.ts';
import { buildOwnProject, type OwnProject } from '../support/own-project.ts';
import { project, type Run, twinkeeper } from './twinkeeper.ts';

const runs: Run[] = [];
const folders: string[] = [];
/** A project with fixture policies. Most tests use it, because they depend on the number of policies and properties. */
let ownProject: OwnProject;

beforeAll(async () => {
  ownProject = await buildOwnProject();
}, 180_000);

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.child.kill('SIGTERM');
    await run.ended;
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function once(
  devices: number,
  more: readonly string[] = [],
  root = ownProject.root,
): Promise<{ run: Run; endpoints: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-e2e-'));
  folders.push(folder);
  const endpoints = join(folder, 'endpoints.json');
  const args = ['local', '--once', '--json', '--devices', String(devices), '--endpoints', endpoints, ...more];
  const run = twinkeeper(args, root);
  runs.push(run);
  return { run, endpoints };
}

const right = { duplicates: 0, unresolved: 0 };
const sameRun = ['--seed', '3'];

/** The numbers of a run's summary that are the same in every run. They depend neither on the machine's speed nor on redelivered events. */
function counts(run: Run) {
  const { devices, modulesCreated, departuresInjected, departuresRecorded, duplicates, unresolved } = JSON.parse(
    run.stdout(),
  ) as Record<string, number>;
  return { devices, modulesCreated, departuresInjected, departuresRecorded, duplicates, unresolved };
}

let undisturbed: Promise<ReturnType<typeof counts>> | undefined;

describe('twinkeeper local --once --json', { timeout: 600_000 }, () => {
  it('repairs twenty devices, records every departure once, and prints only the summary', async () => {
    const { run, endpoints } = await once(20, [], project);
    expect(await run.ended, run.stderr()).toBe(0);
    const summary = JSON.parse(run.stdout()) as Record<string, number>;
    expect(summary).toMatchObject({ devices: 20, ...right });
    // Number of modules that the deployed policies create: one for each module that a policy requires on a device of the demo.
    const wanted = demoFleet(20).flatMap((device) => wantedModules(demoPolicies(), device)).length;
    expect(wanted).toBeGreaterThan(0);
    expect(summary.departuresInjected).toBeGreaterThan(wanted);
    expect(summary.departuresRecorded).toBe(summary.departuresInjected);
    expect(summary.modulesCreated).toBeGreaterThanOrEqual(wanted);
    expect(summary.enforced).toBeGreaterThan(0);
    expect(Object.keys(summary)).toEqual([
      ...['devices', 'modulesCreated', 'departuresInjected', 'departuresRecorded', 'duplicates', 'unresolved'],
      ...['enforced', 'detectToEnforcedMs', 'hubCalls', 'identityOperations', 'messages', 'throttledCalls', 'seconds'],
    ]);
    expect(() => readFileSync(endpoints)).toThrow('ENOENT');
    expect(run.stderr().split('\n').slice(0, 2)).toEqual([
      'Starting the local system…',
      'Starting Azurite (storage) and the local hub…',
    ]);
    expect(run.stderr()).toContain('Ready: Azurite, the local hub and the function host.\n');
  });

  it('repairs all drift with sweeps when the hub routes no events', async () => {
    const { run } = await once(20, ['--no-events']);
    expect(await run.ended, run.stderr()).toBe(0);
    const summary = JSON.parse(run.stdout()) as Record<string, number>;
    expect(summary).toMatchObject({ devices: 20, ...right });
    expect(summary.departuresRecorded).toBe(summary.departuresInjected);
    expect(summary.enforced).toBeGreaterThan(20);
  });

  it('repairs the fleet while a fifth of its hub calls fails', async () => {
    const { run } = await once(12, ['--faults', '20%']);
    expect(await run.ended, run.stderr()).toBe(0);
    const summary = JSON.parse(run.stdout()) as Record<string, number>;
    expect(summary).toMatchObject({ devices: 12, ...right });
    expect(summary.departuresRecorded).toBe(summary.departuresInjected);
  });

  // Numbers of hub events after which the host is killed: while devices are created, while modules are created, while twins are changed,
  // and at the end.
  it.each([[[1, 45]], [[20, 70]]])(
    'prints the same summary when the function host is killed after %j events',
    async (moments) => {
      undisturbed ??= once(8, sameRun).then(async ({ run }) => {
        expect(await run.ended, run.stderr()).toBe(0);
        return counts(run);
      });
      await undisturbed;
      const { run, endpoints } = await once(8, sameRun);
      const { controlUrl } = await vi.waitFor(
        () => JSON.parse(readFileSync(endpoints, 'utf8')) as { controlUrl: string },
        {
          timeout: 60_000,
        },
      );
      for (const moment of moments) {
        await vi.waitUntil(
          async () => ((await (await fetch(`${controlUrl}/events`)).json()) as { total: number }).total >= moment,
          { timeout: 60_000, interval: 10 },
        );
        const host = await vi.waitUntil(
          () => run.services().find(({ command }) => command.includes('host.js')),
          10_000,
        );
        process.kill(host.pid, 'SIGKILL');
      }
      expect(await run.ended, run.stderr()).toBe(0);
      expect(run.stderr()).toContain('The function host ended with signal SIGKILL. Starting it again.');
      expect(counts(run)).toEqual(await undisturbed);
    },
    // A sweep that was killed is resumed when its lease has expired, which takes up to three and a half minutes.
    480_000,
  );
});
