/** A storage account and a hub with a small history, and the built `twinkeeper` command that reads them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { buildOwnProject } from '../../../support/own-project.ts';
import { startWorld, type World } from '../../../support/world.ts';

/** The module of the disturbed twins. */
export const agent = 'DefenderIotMicroAgent';

/** The devices of the hub. All of them are mended but `two`, which has one audited departure. */
export const devices = ['one', 'two', 'three', '-four'] as const;

export interface HistoryWorld {
  readonly world: World;
  /** The endpoints file of the world. */
  readonly endpoints: string;
  /** The app in the mode `enforce`. */
  readonly enforcing: ReturnType<World['withPolicies']>;
  /** Changes desired properties of a device's module. */
  disturb(deviceId: string, desired: object): void;
  /** The folder of a project with the test's own policies, whose build holds the command. */
  readonly projectRoot: string;
  /** Runs the command of that project. */
  run(...args: readonly string[]): ReturnType<typeof run>;
  /** Runs the command with the history and the hub of the world. */
  ask(...args: readonly string[]): ReturnType<typeof run>;
  close(): Promise<void>;
}

/** Starts the world. Its history has two rows for each device, an enforced row of `one` and an audited row of `two`. */
export async function startHistoryWorld(): Promise<HistoryWorld> {
  const [project, world] = await Promise.all([buildOwnProject(), startWorld()]);
  const { root: projectRoot } = project;
  const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-history-'));
  const endpoints = join(folder, 'endpoints.json');
  const iotHubConnectionString = world.hub
    .connectionString('iothubowner')
    .replace('localhost', `localhost:${world.hub.httpsPort}`);
  const { connectionString: storageConnectionString } = world.storage;
  const { caFile } = world.hub.credentials;
  await writeFile(endpoints, JSON.stringify({ storageConnectionString, iotHubConnectionString, caFile }));

  const disturb = (deviceId: string, desired: object) => {
    world.hub.registry.patchTwin({ deviceId, moduleId: agent }, { desired: desired as never }, '*');
  };
  const enforcing = world.withPolicies(policies);
  for (const deviceId of devices) world.hub.registry.create({ deviceId }, {});
  await enforcing.settle();
  disturb('one', { Process_Disabled: true });
  await enforcing.settle();
  // An audited departure stays out of line.
  const auditing = world.withPolicies(policies, { mode: 'audit' });
  disturb('two', { Login_UsePAM: '\u001b[2J\u202e' });
  await auditing.settle();
  enforcing.newEvents();
  return {
    world,
    endpoints,
    enforcing,
    disturb,
    projectRoot,
    run: (...args) => runIn(projectRoot, args),
    ask: (...args) => runIn(projectRoot, [...args, '--endpoints', endpoints]),
    async close() {
      await world.close();
      await project.remove();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs the built command to its end. */
export function run(...args: readonly string[]) {
  return runIn(undefined, args);
}

async function runIn(projectRoot: string | undefined, args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(args, projectRoot);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

/** Parses rows, one JSON object a line. */
export function toRows(ndjson: string): readonly DriftRow[] {
  return ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as DriftRow);
}
