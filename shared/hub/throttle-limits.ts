/**
 * The classes of operations. IoT Hub throttles them separately, except for bulk calls: it counts each entry of a bulk call as an identity
 * operation.
 */
export const operationClasses = ['identity', 'twinRead', 'twinUpdate', 'query', 'bulk', 'configuration'] as const;

export type OperationClass = (typeof operationClasses)[number];

/**
 * The tiers of IoT Hub that have twins: free, the three standard sizes, and the new generation with Azure Device Registry. The basic tiers have
 * no twins.
 */
export const hubTiers = ['F1', 'S1', 'S2', 'S3', 'GEN2'] as const;

export type HubTier = (typeof hubTiers)[number];

type Limits = Readonly<Record<OperationClass, number>>;

/**
 * The documented throttles of a hub, in operations per second for each class of operations. Source: "IoT Hub quotas and throttling", section
 * "Operation throttles". A bulk call counts as many identity operations as it has entries.
 */
export function throttleLimits(tier: HubTier, units: number): Limits {
  const identity = (size(tier) === 3 ? 5000 / 60 : 100 / 60) * units;
  const common = { identity, bulk: identity, configuration: (20 / 60) * units };
  switch (size(tier)) {
    case 1:
      return { ...common, twinRead: 100, twinUpdate: 50, query: (20 / 60) * units };
    case 2:
      return {
        ...common,
        twinRead: Math.max(100, 10 * units),
        twinUpdate: Math.max(50, 5 * units),
        query: (20 / 60) * units,
      };
    case 3:
      return { ...common, twinRead: 500 * units, twinUpdate: 250 * units, query: (1000 / 60) * units };
  }
}

/** The daily message quota of one unit. Source: "IoT Hub quotas and throttling". */
const messagesPerUnit: Readonly<Record<HubTier, number>> = {
  F1: 8000,
  S1: 400_000,
  S2: 6_000_000,
  S3: 300_000_000,
  GEN2: 400_000,
};

/** The messages that a hub accepts in a day (UTC), from devices and from apps together. */
export function messageQuota(tier: HubTier, units: number): number {
  return messagesPerUnit[tier] * units;
}

/** The size of a hub, which decides its limits. A hub of the new generation has the limits of S1. */
function size(tier: HubTier): 1 | 2 | 3 {
  return tier === 'S3' ? 3 : tier === 'S2' ? 2 : 1;
}
