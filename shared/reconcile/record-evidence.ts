import type { DriftRow } from '../drift/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import type { DeviceRows } from './device-rows.ts';
import type { DeviceWork, Evidence } from './device-work.ts';
import { plan } from './plan.ts';

/** Adds history rows for the departures that events show. Uses only the policies with the device in scope. */
export function recordEvidence(
  work: DeviceWork,
  device: Device,
  policies: readonly Policy[],
  deviceRows: DeviceRows,
): void {
  const inScope = new Set(policies.filter((policy) => isInScope(policy, device)).map((policy) => policy.name));
  for (const { moduleId, evidence, missing } of work.modules.values()) {
    for (const { departure, ended, ...eventRef } of evidence) {
      if (!inScope.has(departure.policy)) continue;
      const wasUnfinished = deviceRows.isUnfinished(departure);
      close(deviceRows.rowFromEvent(departure, eventRef), ended, wasUnfinished, deviceRows);
    }
    // The newest deletion is recorded first, because a row that a read has added belongs to the last deletion before the read.
    for (const { write, deletedTwin, ended, cause: _, ...eventRef } of missing.toReversed()) {
      const start = { write, ...(deletedTwin === undefined ? {} : { deletedTwin }) };
      const { drifts } = plan(policies, { device, twins: [{ moduleId, missing: true, write }] });
      for (const departure of drifts) {
        if (departure.kind !== 'missingModule') continue;
        const wasUnfinished = deviceRows.periods.periodState(departure, start) === 'unfinished';
        close(deviceRows.periods.rowFromDeletion(departure, start, eventRef), ended, wasUnfinished, deviceRows);
      }
    }
  }
}

/** Closes the `pending` row of a departure that is over. */
function close(row: DriftRow, ended: Evidence['ended'], wasUnfinished: boolean, deviceRows: DeviceRows): void {
  if (ended === undefined || row.outcome !== 'pending') return;
  // The event may report Twinkeeper's own repair of the unfinished row. The row therefore stays open until the twin is read.
  if (ended === 'healed' && wasUnfinished) return;
  deviceRows.close(row, ended);
}

/** Closes the open rows of deleted modules and of a deleted device. */
export function recordDeletions(work: DeviceWork, deviceRows: DeviceRows): void {
  if (work.deletedAt !== undefined) closeUntil(deviceRows.allOpenRows(), deviceRows, work.deletedAt);
  for (const { moduleId, deletedAt } of work.modules.values()) {
    if (deletedAt === undefined) continue;
    // The row that records the module as missing stays open, because the deletion does not end this drift.
    const rows = deviceRows.openRows(moduleId).filter((row) => row.kind !== 'missingModule');
    closeUntil(rows, deviceRows, deletedAt);
  }
}

/** Closes the rows whose write is not later than the deletion. A later write belongs to the new device or module with the same id. */
function closeUntil(rows: readonly DriftRow[], deviceRows: DeviceRows, deletedAt: string): void {
  for (const row of rows) if (Date.parse(row.write.at) <= Date.parse(deletedAt)) deviceRows.close(row, 'gone');
}

/** Whether a device is in the scope of a policy. False when the scope function throws, because the plan records that error. */
function isInScope(policy: Policy, device: Device): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return false;
  }
}
