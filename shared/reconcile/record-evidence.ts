import type { Departure, DriftRow } from '../drift/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import type { DeviceRows } from './device-rows.ts';
import type { DeviceWork, EventRef } from './device-work.ts';
import { plan } from './plan.ts';

/** Adds rows for the departures that events show. Considers only policies with the device in scope. */
export function recordEvidence(
  work: DeviceWork,
  device: Device,
  policies: readonly Policy[],
  deviceRows: DeviceRows,
): void {
  const inScope = new Set(policies.filter((policy) => isInScope(policy, device)).map((policy) => policy.name));
  const record = (departure: Departure, ended: 'healed' | 'gone' | undefined, eventRef: EventRef) => {
    // The event that heals an unfinished row may report Twinkeeper's own write. The row stays open until the twin is read.
    const mayBeOurs = ended === 'healed' && deviceRows.isUnfinished(departure);
    const row = deviceRows.rowFromEvent(departure, eventRef);
    if (ended !== undefined && row.outcome === 'pending' && !mayBeOurs) deviceRows.close(row, ended);
  };
  for (const { moduleId, evidence, missing } of work.modules.values()) {
    for (const { departure, ended, ...eventRef } of evidence) {
      if (inScope.has(departure.policy)) record(departure, ended, eventRef);
    }
    for (const { write, ended, cause: _, ...eventRef } of missing) {
      const { drifts } = plan(policies, { device, twins: [{ moduleId, missing: true, write }] });
      for (const departure of drifts) record(departure, ended, eventRef);
    }
  }
}

/** Closes the open rows of deleted modules or of a deleted device. */
export function recordDeletions(work: DeviceWork, deviceRows: DeviceRows): void {
  if (work.deletedAt !== undefined) closeUntil(deviceRows.allOpenRows(), deviceRows, work.deletedAt);
  for (const { moduleId, deletedAt } of work.modules.values()) {
    if (deletedAt === undefined) continue;
    // The module's deletion does not end the departure that the module is missing.
    const rows = deviceRows.openRows(moduleId).filter((row) => row.kind !== 'missingModule');
    closeUntil(rows, deviceRows, deletedAt);
  }
}

/** Closes rows whose write is not later than the deletion. Later writes belong to the device or module that replaced the deleted one. */
function closeUntil(rows: readonly DriftRow[], deviceRows: DeviceRows, deletedAt: string): void {
  for (const row of rows) if (Date.parse(row.write.at) <= Date.parse(deletedAt)) deviceRows.close(row, 'gone');
}

/** Whether a device is in a policy's scope. False when the scope function throws. The plan records that error. */
function isInScope(policy: Policy, device: Device): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return false;
  }
}
