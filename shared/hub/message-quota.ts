import type { BudgetOptions } from './budget.ts';
import { messageQuota } from './throttle-limits.ts';

/** The part of the app's share of the messages that sweeps may use. The rest is for events: a sweep can run on another day. */
export const sweepPart = 0.8;

/** The messages that the app may take from the hub's quota in a day (UTC). The telemetry of the fleet needs the rest. At least 1. */
export function dailyMessages({
  tier,
  units,
  messageShare,
}: Pick<BudgetOptions, 'tier' | 'units' | 'messageShare'>): number {
  // The product of a share and a quota is not exact, such as 0.07 × 400,000.
  return Math.max(1, Math.floor(messageQuota(tier, units) * messageShare + 1e-6));
}

/** Milliseconds until the next day begins (UTC). The hub's quota begins again at that time. */
export function untilNextDay(now: Date): number {
  return 86_400_000 - (now.getTime() % 86_400_000);
}
