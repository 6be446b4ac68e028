/** A storage account and a hub with a small history, and the built `twinkeeper` command that reads them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policies } from '../../../../functions/policies/index.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
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
  /** Runs the command with the history and the hub of the world. */
  ask(...args: readonly string[]): ReturnType<typeof run>;
  close(): Promise<void>;
}

/** Starts the world. Its history has two rows for each device, an enforced row of `one` and an audited row of `two`. */
export async function startHistoryWorld(): Promise<HistoryWorld> {
  const world = await startWorld();
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
    ask: (...args) => run(...args, '--endpoints', endpoints),
    async close() {
      await world.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs the built command to its end. */
export async function run(...args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(args);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

/** Parses rows, one JSON object a line. */
export function toRows(ndjson: string): readonly DriftRow[] {
  return ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as DriftRow);
}
