/** `--once`: seed a fleet, disturb it, wait until all is settled, compare the history with what was done. */
import pMap from 'p-map';
import type { Policy } from '../../../shared/policy/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { conclude, type OnceResult } from './conclude.ts';
import { type DevicePlan, planDemo } from './demo-plan.ts';
import { demoPolicies } from './demo-policies.ts';
import { type InjectedDeparture, wantedModules } from './departures.ts';
import { disturbBySweeps } from './disturb-by-sweeps.ts';
import type { DemoDevice } from './fleet.ts';
import { unsettled } from './ledger.ts';
import { type Observer, observe } from './observer.ts';
import { Operator } from './operator.ts';
import { until } from './until.ts';

export interface OnceOptions {
  readonly devices: number;
  readonly seed: number;
  /** False where the hub routes no events, so that only sweeps can find what was done. */
  readonly events: boolean;
  /** Milliseconds by which queries lag: so long after a change, they show it. */
  readonly queryLag: number;
  /** Told how far it has come, a line at a time. */
  readonly onProgress: (text: string) => void;
}

/** How many devices are disturbed at once. */
const concurrency = 12;

/** Runs the demo once against a local system. Rejects when it cannot be carried out; that the outcome is wrong is a result. */
export async function runOnce(endpoints: SystemEndpoints, options: OnceOptions): Promise<OnceResult> {
  const { devices, seed, events, queryLag, onProgress } = options;
  const startedAt = Date.now();
  // Generous: on a busy machine everything takes its time.
  const deadline = startedAt + 300_000 + devices * 300;
  const policies = demoPolicies();
  const plan = planDemo(seed, devices, policies);
  const operator = await Operator.connect(endpoints, queryLag);
  const observer = observe(endpoints);
  const ledger: InjectedDeparture[] = [];

  onProgress(`Seed ${seed}: creating ${devices} devices.`);
  if (!events) {
    for (const arrival of ['bulk', 'single', 'lateBulk', 'lateSingle'] as const)
      await arrive(plan, arrival, operator, []);
    await disturbBySweeps(plan, ledger, { policies, operator, observer, endpoints, deadline, onProgress });
    return conclude(plan, ledger, policies, operator, observer, startedAt);
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
    // Not before the history is final as well: how a departure ended must not depend on what the demo did next.
    const isSettled = async () => {
      if ((await operator.faults(policies, device)).length > 0) return false;
      const history = await observer.history([device.deviceId]);
      return unsettled(soFar, history.get(device.deviceId)?.recent ?? []).length === 0;
    };
    for (const disturbance of disturbances) {
      // Too late: what is wrong with the device is said in the end.
      if (!(await until(deadline, 1_000, isSettled))) return;
      await operator.carryOut(disturbance);
      ledger.push(...disturbance.departures);
      soFar.push(...disturbance.departures);
      if (++done % 250 === 0) onProgress(`${done} of ${total} disturbances done.`);
    }
  };
  const late = arrive(plan, 'lateBulk', operator, ledger).then(() => arrive(plan, 'lateSingle', operator, ledger));
  // Those that come late are disturbed last, so that nobody waits for them.
  const order = plan.toSorted((a, b) => Number(isLate(a.device)) - Number(isLate(b.device)));
  await Promise.all([late, pMap(order, each, { concurrency })]);

  onProgress(`${ledger.length} departures injected: waiting until all are settled.`);
  await settle(ledger, observer, deadline, onProgress);
  return conclude(plan, ledger, policies, operator, observer, startedAt);
}

function isLate({ arrival }: DemoDevice): boolean {
  return arrival === 'lateBulk' || arrival === 'lateSingle';
}

/** Creates the devices that come in this way. */
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

/** Waits until the app has dealt with all events, and each departure has a row with a final outcome. */
async function settle(
  ledger: readonly InjectedDeparture[],
  observer: Observer,
  deadline: number,
  onProgress: (text: string) => void,
): Promise<void> {
  const byDevice = Map.groupBy(ledger, ({ deviceId }) => deviceId);
  let waiting = [...byDevice.keys()];
  let said = '';
  const say = (text: string) => {
    if (text !== said) onProgress(text);
    said = text;
  };
  await until(deadline, 1_000, async () => {
    const backlog = await observer.backlog();
    if (backlog > 0) {
      say(`${backlog} events to go.`);
      return false;
    }
    const history = await observer.history(waiting);
    waiting = waiting.filter((id) => unsettled(byDevice.get(id) ?? [], history.get(id)?.recent ?? []).length > 0);
    if (waiting.length > 0) say(`${waiting.length} devices are not settled.`);
    // What was mended last is itself an event, and the history is read over some time.
    return waiting.length === 0 && (await observer.backlog()) === 0;
  });
}
