/**
 * The demo without `--once`: disturbs the fleet about once a second until the run is stopped. Beside that, somebody undoes the repairs of one
 * device again and again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { CONTEST_KINDS, planContest } from './contest.ts';
import { demoPolicies } from './demo-policies.ts';
import { DISTURBANCE_KINDS, type Disturbance, disturb } from './disturbance.ts';
import { type DemoDevice, demoDevice, demoFleet } from './fleet.ts';
import { isNotFound, Operator, type OperatorOptions } from './operator.ts';
import { seededRandom } from './random.ts';

/** Mean pause between two disturbances in milliseconds. A single pause takes between half and one and a half times as long. */
const interval = 1_000;
/** Milliseconds between the creation of the fleet and the first disturbance. In this time the user can see how the modules are created. */
const firstDelay = 4_000;

/** Milliseconds between two turns of a contest. In this time, Twinkeeper repairs what the turn has changed. */
const turnInterval = 4_000;
/** Number of attempts at a turn, at intervals of {@link turnInterval}. */
const turnAttempts = 5;
/** Milliseconds between two contests. In this time the user can see that Twinkeeper stands down. */
const contestInterval = 30_000;

export interface DemoOptions extends Pick<OperatorOptions, 'throttle'> {
  readonly devices: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/**
 * Creates the fleet, and disturbs it until `signal` is aborted. When a device is deleted, a new device replaces it. Rejects when a call to
 * the hub fails, unless the hub answers that a device or module does not exist.
 */
export async function disturbForever(
  endpoints: SystemEndpoints,
  { devices, seed, throttle, signal }: DemoOptions,
): Promise<void> {
  const policies = demoPolicies();
  const random = seededRandom(seed);
  const operator = await Operator.connect(endpoints, throttle === undefined ? {} : { throttle });
  const fleet: DemoDevice[] = [...demoFleet(devices)];
  const isBulk = ({ arrival }: DemoDevice) => arrival === 'bulk' || arrival === 'lateBulk';
  await operator.createInBulk(fleet.filter(isBulk));
  for (const device of fleet.filter((one) => !isBulk(one))) await operator.create(device);
  await pause(firstDelay, signal);
  await Promise.all([disturbAll(), contestForever()]);

  /** Makes the hub calls of a disturbance. Resolves with false when its device or module does not exist: an earlier one has deleted it. */
  async function carryOut(disturbance: Disturbance): Promise<boolean> {
    try {
      await operator.carryOut(disturbance);
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return false;
    }
  }

  async function contestForever(): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      const kind = CONTEST_KINDS[round % CONTEST_KINDS.length] ?? 'moduleWar';
      const contest = planContest(kind, random.pick(fleet), policies, random);
      for (const turn of contest?.turns ?? []) {
        let isDone = false;
        // A deleted module takes a few seconds until it exists again. A deleted device never does.
        for (let attempt = 0; !isDone && attempt < turnAttempts && !signal.aborted; attempt++) {
          isDone = await carryOut(turn);
          await pause(turnInterval, signal);
        }
        if (!isDone) break;
      }
      await pause(contestInterval, signal);
    }
  }

  async function disturbAll(): Promise<void> {
    for (let created = devices; !signal.aborted; ) {
      const index = random.below(fleet.length);
      const device = fleet[index];
      const disturbance = device && disturb(random.pick(DISTURBANCE_KINDS), device, policies, random);
      if (disturbance !== undefined) {
        await carryOut(disturbance);
        if (disturbance.kind === 'deviceDeleted') {
          await operator.remove(disturbance.deviceId);
          fleet[index] = demoDevice(created++, 'lateSingle');
          await operator.create(fleet[index]);
        }
      }
      await pause(interval * (0.5 + random.next()), signal);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
