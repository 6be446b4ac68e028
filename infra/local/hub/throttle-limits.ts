/** What a hub allows, as documented in "IoT Hub quotas and throttling", operation throttles. */
import type { CallClass } from './calls.ts';

/** The free tier is F1; the basic tiers are throttled like the standard ones. */
export const TIERS = ['F1', 'B1', 'S1', 'B2', 'S2', 'B3', 'S3'] as const;

export type Tier = (typeof TIERS)[number];

/** What is throttled by itself: each has a limit of its own and leaves the others alone. */
export const THROTTLES = ['identity', 'twinRead', 'twinUpdate', 'query', 'configuration'] as const;

export type ThrottleName = (typeof THROTTLES)[number];

/** How many operations a second each throttle of a hub lets through, whoever asks for them. */
export function throttleLimits(tier: Tier, units: number): Readonly<Record<ThrottleName, number>> {
  const configuration = (20 / 60) * units;
  switch (tier.slice(1)) {
    case '3':
      return {
        identity: (5000 / 60) * units,
        twinRead: 500 * units,
        twinUpdate: 250 * units,
        query: (1000 / 60) * units,
        configuration,
      };
    case '2':
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

/** The throttle that a class of calls comes under; none for what is no operation at all. */
export function throttleOf(callClass: CallClass): ThrottleName | undefined {
  switch (callClass) {
    case 'other':
      return undefined;
    case 'bulk':
    case 'statistics':
      return 'identity';
    default:
      return callClass;
  }
}
