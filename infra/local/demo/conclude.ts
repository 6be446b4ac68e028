/** The last step of a run with `--once`: compares the history and the twins with what the demo has caused. */
import { isOpen } from '../../../shared/drift/index.ts';
import type { Policy } from '../../../shared/policy/index.ts';
import type { CallerCounts } from '../hub/calls.ts';
import { compareHistory, describeDeparture, oncePerDeparture, unsettled } from './compare-history.ts';
import type { DevicePlan } from './demo-plan.ts';
import { breaches, type InjectedDeparture, wantedModules } from './departures.ts';
import type { Observer } from './observer.ts';
import type { Operator } from './operator.ts';
import { countCreated, percentile, reactionTimes, type Summary } from './summary.ts';

export interface OnceResult {
  readonly summary: Summary;
  /** The faults of the run, one line for each. Empty when all went well. */
  readonly complaints: readonly string[];
}

/**
 * Reads the history, the dead letters and the twins, and compares them with the ledger.
 *
 * @param ledger every departure from a policy that the demo has caused, and that the history must record
 * @param contestFaults the faults of the contests, one line for each
 * @param startedAt when the run began, in milliseconds since 1970
 */
export async function conclude(
  plan: readonly DevicePlan[],
  ledger: readonly InjectedDeparture[],
  policies: readonly Policy[],
  operator: Operator,
  observer: Observer,
  contestFaults: readonly string[],
  startedAt: number,
): Promise<OnceResult> {
  const [history, deadLetters, modules, calls] = await Promise.all([
    observer.history(plan.map(({ device }) => device.deviceId)),
    observer.deadLetters(),
    operator.allModules(),
    observer.calls(),
  ]);
  const policyNames = new Set(policies.map(({ name }) => name));
  const rows = [...history.values()].flatMap(({ recent }) => recent.filter(({ policy }) => policyNames.has(policy)));
  const { surplus } = compareHistory(ledger, rows);
  const open = [...history.values()].flatMap((ofDevice) =>
    ofDevice.open.filter((row) => policyNames.has(row.policy) && isOpen(row)),
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
    ...contestFaults,
    ...unsettled(ledger, rows),
    ...faults.map((fault) => `still out of line: ${fault}`),
    ...open.map((row) => `still open: ${describeDeparture(row)}`),
    ...deadLetters.map(({ deviceId, reason }) => `dead letter of ${deviceId || 'an unknown device'}: ${reason}`),
  ];
  const times = reactionTimes(rows);
  return {
    summary: {
      devices: plan.length,
      modulesCreated: countCreated(rows),
      departuresInjected: ledger.length,
      departuresRecorded: rows.flatMap(oncePerDeparture).length,
      duplicates: surplus.length,
      unresolved: unresolved.length,
      enforced: rows.filter(({ outcome }) => outcome === 'enforced').length,
      detectToEnforcedMs: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
      ...costOf(calls.byCaller.twinkeeper),
      seconds: Math.round((Date.now() - startedAt) / 100) / 10,
    },
    complaints: [
      ...unresolved,
      ...surplus.map(
        (row) =>
          `in the history, but the demo did not do it: ${describeDeparture(row)} (${row.outcome}, write ${row.write.version})`,
      ),
    ],
  };
}

/** What the calls of a client cost. */
function costOf(counts: CallerCounts | undefined) {
  const sum = (byClass: Readonly<Record<string, number>> = {}) =>
    Object.values(byClass).reduce((all, each) => all + each, 0);
  const { identity = 0, bulk = 0, statistics = 0 } = counts?.operationsByClass ?? {};
  return {
    hubCalls: counts?.byClass ?? {},
    identityOperations: identity + bulk + statistics,
    messages: sum(counts?.messagesByClass),
    throttledCalls: sum(counts?.throttledByClass),
  };
}
