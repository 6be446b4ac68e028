/** Test setup: a storage account and a hub with a short history, and the built `twinkeeper` command that reads them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { buildOwnProject } from '../../../support/own-project.ts';
import { startWorld, type World } from '../../../support/world.ts';

/** The id of the module whose twins the tests change. */
export const agent = 'DefenderIotMicroAgent';

/** The ids of the hub's devices. All devices are compliant except `two`, which has one open row with the outcome `audited`. */
export const devices = ['one', 'two', 'three', '-four'] as const;

export interface HistoryWorld {
  readonly world: World;
  /** The path of the endpoints file for this storage account and hub. */
  readonly endpoints: string;
  /** The app with its policies in mode `enforce`. */
  readonly enforcing: ReturnType<World['withPolicies']>;
  /** Changes desired properties of a module twin, so that the twin has drift. */
  disturb(deviceId: string, desired: object): void;
  /** The path of a project whose policies are those of the test. The command is built from this project. */
  readonly projectRoot: string;
  /** Runs the command that was built from this project. */
  run(...args: readonly string[]): ReturnType<typeof run>;
  /** Runs the command with `--endpoints`, so that it reads the history and the hub of this setup. */
  ask(...args: readonly string[]): ReturnType<typeof run>;
  close(): Promise<void>;
}

/**
 * Starts the storage account and the hub, and builds the command. The history has two rows for each device, and in addition an `enforced`
 * row of `one` and an `audited` row of `two`.
 */
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
  // The app does not repair this drift, because it is in audit mode. The row stays open.
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
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs the built command, and resolves when it has ended. */
export function run(...args: readonly string[]) {
  return runIn(undefined, args);
}

async function runIn(projectRoot: string | undefined, args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(args, projectRoot);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

/** Parses NDJSON: one row of the history as a JSON object on each line. */
export function toRows(ndjson: string): readonly DriftRow[] {
  return ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as DriftRow);
}
