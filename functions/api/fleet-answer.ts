import type { OpenCounts } from '../../shared/drift/index.ts';
import type { FleetCount } from '../../shared/guards/index.ts';
import type { FleetAnswer } from './answers.ts';

/** How many devices keep to all policies that apply to them. What is not counted is `null`. */
export function fleetAnswer(fleet: FleetCount | undefined, { outOfLine }: Pick<OpenCounts, 'outOfLine'>): FleetAnswer {
  const devices = fleet?.devices;
  // Open rows are newer than the number of devices, which is as old as the last sweep. The difference can therefore be negative.
  const compliant = devices === undefined || outOfLine === undefined ? undefined : Math.max(0, devices - outOfLine);
  return {
    devices: devices ?? null,
    devicesCountedAt: fleet?.countedAt ?? null,
    isExact: fleet?.isExact ?? null,
    outOfLine: outOfLine ?? null,
    compliant: compliant ?? null,
    percent: compliant === undefined || !devices ? null : percentOf(compliant / devices, 2),
  };
}

/** A share from 0 to 1 in percent. Rounded down, so that 100 means all. */
export function percentOf(share: number, decimals: number): number {
  const factor = 10 ** decimals;
  // The small number makes up for shares that have no exact binary number, such as 0.29.
  return Math.min(share < 1 ? 100 - 1 / factor : 100, Math.floor(share * 100 * factor + 1e-6) / factor);
}
