/** Translates options of `twinkeeper local` into the behaviour of the local hub: faults, throttling and query lag. */
import { InvalidArgumentError } from 'commander';
import { twinkeeperPolicy } from './hub/credentials.ts';
import type { FaultKind, HubBehaviour, ThrottleOptions } from './hub/index.ts';
import { quotaOf } from './hub/quota.ts';
import { tiers } from './hub/throttle-limits.ts';

/** Options of `twinkeeper local` that make the local hub slower or less reliable. */
export interface BehaviourOptions {
  /** The share of Twinkeeper's hub calls that fail or are slow, from 0 to 1. Default: 0. */
  readonly faults?: number;
  readonly throttle?: Pick<ThrottleOptions, 'tier' | 'units'>;
  /** Messages a day, in place of the quota of the throttled hub. */
  readonly quota?: number;
  /** Seconds by which the results of hub queries are older than the twins. */
  readonly queryLag?: number;
  /** Speed of the local hub's clock, for throttles, quota and query lag. With 60, a minute of the hub takes a second. */
  readonly timeScale?: number;
  readonly seed: number;
}

/**
 * The kinds of fault that `--faults` causes. `drop` closes the connection before or after the hub has done the operation. The caller cannot
 * know which of the two happened.
 */
const badDay: readonly FaultKind[] = [
  { status: 429, retryAfter: 1 },
  { status: 500 },
  { status: 503 },
  { drop: 'before' },
  { drop: 'after' },
  { delay: 5_000 },
];

/** The behaviour of the local hub for these options. Faults happen only to Twinkeeper's own calls, and not to the calls of the demo. */
export function hubBehaviour({
  faults = 0,
  throttle,
  quota,
  queryLag,
  timeScale,
  seed,
}: BehaviourOptions): HubBehaviour {
  return {
    ...(faults > 0 ? { faults: [{ share: faults, caller: twinkeeperPolicy, kinds: badDay, seed }] } : {}),
    ...(throttle === undefined ? {} : { throttle }),
    ...(quota === undefined ? {} : { quota: { ...quotaOf(throttle?.tier ?? 'S1', 1), limit: quota } }),
    ...(queryLag === undefined ? {} : { queryLag: queryLag * 1000 }),
    ...(timeScale === undefined ? {} : { timeScale }),
  };
}

/**
 * Parses a share such as `20%` or `0.2`.
 * @throws {InvalidArgumentError} If the text is anything else.
 */
export function parseShare(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (number === undefined || share > 1) throw new InvalidArgumentError('It must be a share such as 20% or 0.2.');
  return share;
}

/**
 * Parses the tier of a hub and the number of its units, such as `S1` or `S2:4`. The default is one unit.
 * @throws {InvalidArgumentError} If the text is anything else.
 */
export function parseThrottle(text: string): Pick<ThrottleOptions, 'tier' | 'units'> {
  const [name = '', units = '1', ...rest] = text.split(':');
  const tier = tiers.find((known) => known === name.toUpperCase());
  if (tier === undefined || !/^[1-9]\d{0,2}$/.test(units) || rest.length > 0) {
    throw new InvalidArgumentError(
      `It must be a tier (${tiers.join(', ')}) and the number of its units, such as S1:2.`,
    );
  }
  return { tier, units: Number(units) };
}

/**
 * Parses a number that is 0 or more.
 * @throws {InvalidArgumentError} If the text is anything else.
 */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number, 0 or more.');
  }
  return value;
}
