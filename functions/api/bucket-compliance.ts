import type { BucketCompliance as CountedCompliance } from '../../shared/drift/index.ts';
import type { BucketCompliance } from './answers.ts';
import { percentOf } from './fleet-answer.ts';

/** Writes the compliance that was counted in a bucket as percentages. */
export function toBucketCompliance(counted: CountedCompliance): BucketCompliance {
  const { at, devices, compliant, mean, min, covered = 0 } = counted;
  return {
    at,
    devices,
    compliant,
    meanPercent: mean === undefined ? null : percentOf(mean, 4),
    minPercent: min === undefined ? null : percentOf(min, 4),
    countedMinutes: Math.round(covered / 6000) / 10,
  };
}
