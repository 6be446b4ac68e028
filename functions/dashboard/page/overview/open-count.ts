/** How many devices are out of line, as far as the filters and the listed rows tell. */
import type { OpenPage, OpenRow, PolicyAnswer } from '../../../api/history-answers.ts';
import { count } from '../markup/index.ts';
import type { Filters } from '../view/index.ts';

export interface OpenCount {
  /** The listed rows that fit the filters. */
  readonly rows: readonly OpenRow[];
  /** Every open row is listed. */
  readonly isComplete: boolean;
  /** The number of listed rows before filtering. */
  readonly listed: number;
  /** Devices out of line, added up over policies. */
  readonly devices: number;
  /** The same as text: with a `+` where there may be more. */
  readonly text: string;
  readonly isFiltered: boolean;
  /** Devices out of line in the whole fleet, added up over policies. */
  readonly fleet: number;
}

/** Counts devices as the policies do. With filters other than the policy, counts only the listed rows. */
export function openCount(
  { rows: listed, cursor }: OpenPage,
  policies: readonly PolicyAnswer[],
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
  const inRows = new Set(rows.map((row) => `${row.policy}\n${row.deviceId}`)).size;
  const byPolicies = openDevices(policies.filter(({ name }) => policy === undefined || name === policy));
  const devices = isByPolicyOnly ? Math.max(inRows, byPolicies) : inRows;
  return {
    rows,
    isComplete,
    listed: listed.length,
    devices,
    text: `${count(devices)}${!isComplete && !isByPolicyOnly ? '+' : ''}`,
    isFiltered: Object.keys(filters).length > 0,
    fleet: openDevices(policies),
  };
}

function openDevices(policies: readonly PolicyAnswer[]): number {
  return policies.reduce((sum, policy) => sum + policy.openDevices, 0);
}
