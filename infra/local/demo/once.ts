/** `--once`: seed a fleet, disturb it, wait until all is settled, compare the history with what was done. */
import pMap from 'p-map';
import { isOpen } from '../../../shared/drift/index.ts';
import type { Policy } from '../../../shared/policy/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { type DevicePlan, planDemo } from './demo-plan.ts';
import { demoPolicies } from './demo-policies.ts';
import { breaches, type InjectedDeparture, wantedModules } from './departures.ts';
import type { DemoDevice } from './fleet.ts';
import { compareHistory, describeDeparture, unsettled } from './ledger.ts';
import { type Observer, observe } from './observer.ts';
import { Operator } from './operator.ts';
import { countCreated, percentile, reactionTimes, type Summary } from './summary.ts';

export interface OnceOptions {
  readonly devices: number;
  readonly seed: number;
  /** Told how far it has come, a line at a time. */
  readonly onProgress: (text: string) => void;
}

export interface OnceResult {
  readonly summary: Summary;
  /** What is not as it should be, in words. */
  readonly complaints: readonly string[];
}

/** How many devices are disturbed at once. */
const concurrency = 12;

/** Runs the demo once against a local system. Rejects when it cannot be carried out; that the outcome is wrong is a result. */
export async function runOnce(endpoints: SystemEndpoints, options: OnceOptions): Promise<OnceResult> {
  const { devices, seed, onProgress } = options;
  const startedAt = Date.now();
  // Generous: on a busy machine everything takes its time.
  const deadline = startedAt + 300_000 + devices * 300;
  const policies = demoPolicies();
  const plan = planDemo(seed, devices, policies);
  const operator = await Operator.connect(endpoints);
  const observer = observe(endpoints);
  const ledger: InjectedDeparture[] = [];

  onProgress(`Seed ${seed}: creating ${devices} devices.`);
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

async function conclude(
  plan: readonly DevicePlan[],
  ledger: readonly InjectedDeparture[],
  policies: readonly Policy[],
  operator: Operator,
  observer: Observer,
  startedAt: number,
): Promise<OnceResult> {
  const [history, letters, modules, calls] = await Promise.all([
    observer.history(plan.map(({ device }) => device.deviceId)),
    observer.deadLetters(),
    operator.allModules(),
    observer.calls(),
  ]);
  const known = new Set(policies.map(({ name }) => name));
  const rows = [...history.values()].flatMap(({ recent }) => recent.filter(({ policy }) => known.has(policy)));
  const { surplus } = compareHistory(ledger, rows);
  const open = [...history.values()].flatMap((memory) =>
    memory.open.filter((row) => known.has(row.policy) && isOpen(row)),
  );
  const faults = plan.flatMap(({ device, isDeleted }) => {
    if (isDeleted) return [];
    const ofDevice = modules.get(device.deviceId);
    return wantedModules(policies, device).flatMap((moduleId) => {
      const desired = ofDevice?.get(moduleId);
      return desired === undefined
        ? [`${device.deviceId} ${moduleId}: missing`]
        : breaches(policies, device, moduleId, desired);
    });
  });
  const unresolved = [
    ...unsettled(ledger, rows),
    ...faults.map((fault) => `still out of line: ${fault}`),
    ...open.map((row) => `still open: ${describeDeparture(row)}`),
    ...letters.map(({ deviceId, reason }) => `dead letter of ${deviceId || 'an unknown device'}: ${reason}`),
  ];
  const times = reactionTimes(rows);
  return {
    summary: {
      devices: plan.length,
      modulesCreated: countCreated(rows),
      departuresInjected: ledger.length,
      departuresRecorded: rows.length,
      duplicates: surplus.length,
      unresolved: unresolved.length,
      enforced: rows.filter(({ outcome }) => outcome === 'enforced').length,
      detectToEnforcedMs: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
      hubCalls: calls.byPolicy.twinkeeper?.byClass ?? {},
      seconds: Math.round((Date.now() - startedAt) / 100) / 10,
    },
    complaints: [
      ...unresolved,
      ...surplus.map(
        (row) =>
          `in the history, but never done: ${describeDeparture(row)} (${row.outcome}, write ${row.write.version})`,
      ),
    ],
  };
}

/** Asks again and again, ever more slowly up to `slowest` milliseconds. False when the time is up before the answer is yes. */
async function until(deadline: number, slowest: number, isDone: () => Promise<boolean>): Promise<boolean> {
  for (let wait = 50; !(await isDone()); wait = Math.min(wait * 1.5, slowest)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return true;
}
