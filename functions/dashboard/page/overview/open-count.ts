/**
 * Counts the devices with open drift that match the filters. The count may be incomplete, because the page reads only a limited number of
 * open rows.
 */
import type { FleetAnswer, OpenPage, OpenRow, PolicyAnswer } from '../../../api/history-answers.ts';
import { count } from '../markup/index.ts';
import type { Filters } from '../view/index.ts';

export interface OpenCount {
  /** The open rows that the page has read and that match the filters. */
  readonly rows: readonly OpenRow[];
  /** True when the page has read every open row that matches the filters by policy and device. */
  readonly isComplete: boolean;
  /** Number of open rows that the page has read, before the other filters apply. */
  readonly listed: number;
  /** Number of devices with open drift that match the filters. Each device counts once, unless `isAddedUp`. */
  readonly devices: number;
  /** `devices` as text. A `+` follows when there may be more devices. */
  readonly text: string;
  readonly isFiltered: boolean;
  /** Number of devices with open drift in the whole fleet. Each device counts once, unless `isAddedUp`. */
  readonly fleet: number;
  /** True when a device counts once for each policy, because the devices of the fleet are not counted. */
  readonly isAddedUp: boolean;
  /** True when a sweep has looked at the whole fleet. Before, no open drift means nothing. */
  readonly isLookedAt: boolean;
}

/**
 * Counts the devices with open drift. Without a filter, or with a filter by policy only, the counts of the policies are used. With other
 * filters, only the open rows that the page has read are counted.
 */
export function openCount(
  { rows: listed, cursor }: OpenPage,
  { policies, fleet }: { readonly policies: readonly PolicyAnswer[]; readonly fleet: FleetAnswer },
  filters: Filters,
): OpenCount {
  const { policy, deviceId, kind, outcome, path } = filters;
  const rows = listed.filter(
    (row) =>
      (kind === undefined || row.kind === kind) &&
      (outcome === undefined || row.outcome === outcome) &&
      (path === undefined || row.path === path),
  );
  const isComplete = cursor === undefined;
  const isByPolicyOnly = [deviceId, kind, outcome, path].every((value) => value === undefined);
  const inRows = new Set(rows.map((row) => row.deviceId)).size;
  const inFleet = fleet.outOfLine ?? openDevices(policies);
  const ofPolicy = openDevices(policies.filter(({ name }) => name === policy));
  const devices = isByPolicyOnly ? Math.max(inRows, policy === undefined ? inFleet : ofPolicy) : inRows;
  return {
    rows,
    isComplete,
    listed: listed.length,
    devices,
    text: `${count(devices)}${!isComplete && !isByPolicyOnly ? '+' : ''}`,
    isFiltered: Object.keys(filters).length > 0,
    fleet: inFleet,
    isAddedUp: fleet.outOfLine === null,
    isLookedAt: fleet.devices !== null,
  };
}

function openDevices(policies: readonly PolicyAnswer[]): number {
  return policies.reduce((sum, policy) => sum + policy.openDevices, 0);
}
