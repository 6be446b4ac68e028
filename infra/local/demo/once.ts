/**
 * The demo with `--once`: creates a fleet, disturbs it, waits until all drift is repaired, and compares the history with the ledger. The
 * ledger lists every departure from a policy that the demo has caused.
 */
import pMap from 'p-map';
import type { Policy } from '../../../shared/policy/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import type { ThrottleOptions } from '../hub/index.ts';
import { unsettled } from './compare-history.ts';
import { conclude, type OnceResult } from './conclude.ts';
import { type DevicePlan, planDemo } from './demo-plan.ts';
import { demoPolicies } from './demo-policies.ts';
import { type InjectedDeparture, wantedModules } from './departures.ts';
import { disturbBySweeps } from './disturb-by-sweeps.ts';
import type { DemoDevice } from './fleet.ts';
import { type Observer, observe } from './observer.ts';
import { Operator } from './operator.ts';
import { creationTime } from './paced-calls.ts';
import { releaseContested, runContest } from './run-contests.ts';
import { until } from './until.ts';

export interface OnceOptions {
  readonly devices: number;
  readonly seed: number;
  /** Whether the hub routes events to the app. If false, only sweeps find drift. */
  readonly events: boolean;
  /** Milliseconds by which the results of hub queries are older than the twins. */
  readonly queryLag: number;
  /** The throttles of the hub. Absent: it has no limits. */
  readonly throttle?: Pick<ThrottleOptions, 'tier' | 'units'>;
  /** Called with one line of text about the progress of the run. */
  readonly onProgress: (text: string) => void;
}

/** Number of modules that Twinkeeper creates for a device in a run, at most. */
const modulesPerDevice = 4;

/** Number of devices that are created or disturbed at the same time. */
const concurrency = 12;

/**
 * Milliseconds that a run may take: ten minutes, and 300 ms for each device. This is enough on a busy machine. It is also enough when the
 * function host is killed: a sweep that was interrupted is resumed after three minutes. A throttled hub creates the modules of the fleet slowly.
 */
export function longestRun(devices: number, throttle?: Pick<ThrottleOptions, 'tier' | 'units'>): number {
  return 600_000 + devices * 300 + 2 * creationTime(throttle, devices * modulesPerDevice);
}

/**
 * Runs the demo once on a running local system. Rejects when the run cannot be carried out. If Twinkeeper makes mistakes, the promise still
 * resolves, and the result lists them.
 */
export async function runOnce(endpoints: SystemEndpoints, options: OnceOptions): Promise<OnceResult> {
  const { devices, seed, events, queryLag, throttle, onProgress } = options;
  const startedAt = Date.now();
  const deadline = startedAt + longestRun(devices, throttle);
  const policies = demoPolicies();
  const plan = planDemo(seed, devices, policies);
  const operator = await Operator.connect(endpoints, { queryLag, ...(throttle === undefined ? {} : { throttle }) });
  const observer = observe(endpoints);
  const ledger: InjectedDeparture[] = [];

  onProgress(`Seed ${seed}: creating ${devices} devices.`);
  if (!events) {
    for (const arrival of ['bulk', 'single', 'lateBulk', 'lateSingle'] as const)
      await arrive(plan, arrival, operator, []);
    const options = { policies, operator, observer, endpoints, deadline, onProgress };
    const contestFaults = await disturbBySweeps(plan, ledger, options);
    return conclude(plan, ledger, policies, operator, observer, contestFaults, startedAt);
  }
  await arrive(plan, 'bulk', operator, ledger);
  await arrive(plan, 'single', operator, ledger);
  const early = plan.filter(({ device }) => !isLate(device)).map(({ device }) => device);
  await waitForModules(early, policies, operator, deadline, onProgress);

  const total = plan.reduce((sum, { disturbances }) => sum + disturbances.length, 0);
  onProgress(`Disturbing the fleet in ${total} ways.`);
  let done = 0;
  const each = async ({ device, departures, disturbances }: DevicePlan) => {
    const soFar = [...departures];
    // All rows of the device must have a final outcome: otherwise the next disturbance could change the outcome of earlier drift.
    const isSettled = async () => {
      if ((await operator.faults(policies, device)).length > 0) return false;
      const history = await observer.history([device.deviceId]);
      return unsettled(soFar, history.get(device.deviceId)?.recent ?? []).length === 0;
    };
    for (const disturbance of disturbances) {
      // Ends early when the deadline has passed. The summary will then list the faults of this device.
      if (!(await until(deadline, 1_000, isSettled))) return;
      await operator.carryOut(disturbance);
      ledger.push(...disturbance.departures);
      soFar.push(...disturbance.departures);
      if (++done % 250 === 0) onProgress(`${done} of ${total} disturbances done.`);
    }
  };
  const late = arrive(plan, 'lateBulk', operator, ledger).then(() => arrive(plan, 'lateSingle', operator, ledger));
  // Devices that are created late come last in the order, so that they exist before they are disturbed.
  const order = plan.toSorted((a, b) => Number(isLate(a.device)) - Number(isLate(b.device)));
  const contestOptions = { operator, observer, deadline, countsFirstCreation: false };
  const contests = late.then(() => Promise.all(plan.map((device) => runContest(device, ledger, contestOptions))));
  await Promise.all([contests, pMap(order, each, { concurrency })]);
  if (plan.some(({ contest }) => contest !== undefined)) {
    onProgress('Twinkeeper stands down where somebody undoes its repairs: releasing the policies.');
    await releaseContested(plan, endpoints);
  }

  onProgress(`${ledger.length} departures injected: waiting until all are settled.`);
  await settle(ledger, observer, deadline, onProgress);
  return conclude(plan, ledger, policies, operator, observer, (await contests).flat(), startedAt);
}

function isLate({ arrival }: DemoDevice): boolean {
  return arrival === 'lateBulk' || arrival === 'lateSingle';
}

/** Creates the devices of the plan that have this arrival. Adds the departures from policies of the new devices to the ledger. */
async function arrive(
  plan: readonly DevicePlan[],
  arrival: DemoDevice['arrival'],
  operator: Operator,
  ledger: InjectedDeparture[],
): Promise<void> {
  const arriving = plan.filter(({ device }) => device.arrival === arrival);
  const devices = arriving.map(({ device }) => device);
  if (arrival === 'bulk' || arrival === 'lateBulk') await operator.createInBulk(devices);
  else await pMap(devices, (device) => operator.create(device), { concurrency });
  ledger.push(...arriving.flatMap(({ departures }) => departures));
}

async function waitForModules(
  devices: readonly DemoDevice[],
  policies: readonly Policy[],
  operator: Operator,
  deadline: number,
  onProgress: (text: string) => void,
): Promise<void> {
  await until(deadline, 2_000, async () => {
    const modules = await operator.allModules();
    const missing = devices.flatMap((device) =>
      wantedModules(policies, device).filter((module) => !modules.get(device.deviceId)?.has(module)),
    );
    if (missing.length > 0) onProgress(`Waiting for ${missing.length} modules.`);
    return missing.length === 0;
  });
}

/**
 * Waits until the app has handled all events, and each departure of the ledger has a row with a final outcome. Stops waiting at the
 * deadline.
 */
async function settle(
  ledger: readonly InjectedDeparture[],
  observer: Observer,
  deadline: number,
  onProgress: (text: string) => void,
): Promise<void> {
  const byDevice = Map.groupBy(ledger, ({ deviceId }) => deviceId);
  let waiting = [...byDevice.keys()];
  let lastProgress = '';
  const reportProgress = (text: string) => {
    if (text !== lastProgress) onProgress(text);
    lastProgress = text;
  };
  await until(deadline, 1_000, async () => {
    const backlog = await observer.backlog();
    if (backlog > 0) {
      reportProgress(`${backlog} events to handle.`);
      return false;
    }
    const history = await observer.history(waiting);
    waiting = waiting.filter((id) => unsettled(byDevice.get(id) ?? [], history.get(id)?.recent ?? []).length > 0);
    if (waiting.length > 0) reportProgress(`${waiting.length} devices are not settled.`);
    // Reads the backlog again: the last repairs cause events too, and more events can arrive while the history is read.
    return waiting.length === 0 && (await observer.backlog()) === 0;
  });
}
