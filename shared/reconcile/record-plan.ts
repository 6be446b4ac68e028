import type { Departure, DriftRow } from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';
import type { DeviceRows } from './device-rows.ts';
import { endOutcome } from './end-outcome.ts';
import type { Action, ObservedTwin, Plan } from './plan.ts';

/** An action that the pass is about to carry out, and the `pending` rows that wait for the outcome of the action. */
export interface PendingAction {
  readonly action: Action;
  readonly rows: readonly DriftRow[];
  /** The departures that the action repairs, one for each row. */
  readonly repairs: readonly Departure[];
}

export interface RecordedPlan {
  /** Row keys of all departures in the plan. */
  readonly found: readonly string[];
  readonly pending: readonly PendingAction[];
}

/**
 * Records a plan in the rows of the device, before the actions of the plan are carried out. Each departure gets a row. When an action will
 * repair the departure, the row is `pending`. Otherwise the row is `deferred`, `heldBack`, `failed` or `audited`. Open rows whose drift the
 * twins no longer show are closed.
 *
 * @param held The departures whose repair a guard holds back, with the reasons.
 * @param settling The missing modules that are left alone for now, with the reasons.
 * @param isDemanded Whether the policies still demand what an open row records. Without a twin, the twin is not compared.
 */
export function recordPlan(
  { drifts, actions }: Plan,
  held: ReadonlyMap<Departure, string>,
  settling: ReadonlyMap<Departure, string>,
  observed: readonly ObservedTwin[],
  deviceRows: DeviceRows,
  isDemanded: (row: DriftRow, twin: Twin | undefined) => boolean,
): RecordedPlan {
  const twins = twinsByModule(observed);
  const rowOf = new Map(drifts.map((drift) => [drift, deviceRows.rowFromTwin(drift, twins.get(drift.moduleId))]));
  const found = new Set([...rowOf.values()].map((row) => row.rowKey));
  for (const { moduleId } of observed) {
    const twin = twins.get(moduleId);
    for (const row of deviceRows.openRows(moduleId)) {
      if (found.has(row.rowKey)) continue;
      const end = twin === undefined ? 'gone' : endOutcome(row, twin);
      const isReplaced = drifts.some((drift) => isSameProperty(drift, row));
      // The row keeps the outcome of a repair, or of a deletion of the module, even when the policy was removed. Other rows are retired
      // when no policy demands them any more.
      const mayBeRetired = end === 'healed' || (end === 'gone' && row.kind === 'missingModule');
      const isRetired = mayBeRetired && !isDemanded(row, isReplaced ? undefined : twin);
      const isSuperseded = end === 'healed' && deviceRows.isSuperseded(row);
      deviceRows.close(row, isRetired ? 'retired' : isSuperseded ? 'superseded' : end);
    }
  }

  const repaired = new Set(
    actions.flatMap((action) => action.repairs).filter((drift) => !held.has(drift) && !settling.has(drift)),
  );
  for (const [drift, row] of rowOf) {
    if (repaired.has(drift)) deviceRows.setOutcome(row, 'pending');
    else if (settling.has(drift)) deviceRows.setOutcome(row, 'deferred', settling.get(drift));
    else if (held.has(drift)) deviceRows.setOutcome(row, 'heldBack', held.get(drift));
    else if (drift.kind === 'policyError' || (drift.mode === 'enforce' && drift.message !== undefined))
      deviceRows.setOutcome(row, 'failed', drift.message);
    else deviceRows.setOutcome(row, 'audited', drift.message);
  }
  const pending = actions.flatMap((action) => {
    const repairs = action.repairs.filter((drift) => repaired.has(drift));
    const rows = repairs.flatMap((drift) => rowOf.get(drift) ?? []);
    return rows.length === 0 ? [] : [{ action, rows, repairs }];
  });
  return { found: [...found], pending };
}

/** Whether a departure concerns the property of a row, or the whole module of the row. */
function isSameProperty(drift: Departure, row: DriftRow): boolean {
  const isPath = drift.path === row.path || drift.path === '';
  return isPath && drift.moduleId === row.moduleId && drift.policy === row.policy;
}

/** The twins that the pass read, by module id. Missing modules have no entry. */
export function twinsByModule(observed: readonly ObservedTwin[]): ReadonlyMap<string, Twin> {
  return new Map(observed.flatMap((each) => ('twin' in each ? [[each.moduleId, each.twin] as const] : [])));
}
