/** The limits of IoT Hub's throttles, from "IoT Hub quotas and throttling". */
import type { CallClass } from './calls.ts';

/** The tiers of IoT Hub that have twins. F1 is the free tier. GEN2 are hubs of the new generation, with the limits of S1. */
export const tiers = ['F1', 'S1', 'S2', 'S3', 'GEN2'] as const;

export type Tier = (typeof tiers)[number];

/** The names of the throttles. Each throttle has its own limit. */
export const throttleNames = ['identity', 'twinRead', 'twinUpdate', 'query', 'configuration'] as const;

export type ThrottleName = (typeof throttleNames)[number];

/** The limit of each throttle, in operations a second for the whole hub. */
export function throttleLimits(tier: Tier, units: number): Readonly<Record<ThrottleName, number>> {
  const configuration = (20 / 60) * units;
  switch (tier) {
    case 'S3':
      return {
        identity: (5000 / 60) * units,
        twinRead: 500 * units,
        twinUpdate: 250 * units,
        query: (1000 / 60) * units,
        configuration,
      };
    case 'S2':
      return {
        identity: (100 / 60) * units,
        twinRead: Math.max(100, 10 * units),
        twinUpdate: Math.max(50, 5 * units),
        query: (20 / 60) * units,
        configuration,
      };
    default:
      return {
        identity: (100 / 60) * units,
        twinRead: 100,
        twinUpdate: 50,
        query: (20 / 60) * units,
        configuration,
      };
  }
}

/** The throttle that limits a class of calls. Undefined for classes without a throttle. */
export function throttleOf(callClass: CallClass): ThrottleName | undefined {
  switch (callClass) {
    case 'other':
    // IoT Hub's page of throttles names no limit for the calls that start and read jobs. It allows one job at a time.
    case 'job':
      return undefined;
    case 'bulk':
    case 'statistics':
      return 'identity';
    default:
      return callClass;
  }
}
