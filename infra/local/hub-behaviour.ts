/** Turns options of `twinkeeper local` into the behaviour of the local hub: faults, throttling, lag. */
import { InvalidArgumentError } from 'commander';
import { twinkeeperPolicy } from './hub/credentials.ts';
import type { FaultKind, HubBehaviour, ThrottleOptions } from './hub/index.ts';
import { tiers } from './hub/throttle-limits.ts';

/** Options of `twinkeeper local` that make the hub slower or less reliable. */
export interface BehaviourOptions {
  /** The share of Twinkeeper's calls that fail, from 0 to 1. */
  readonly faults?: number;
  readonly throttle?: Pick<ThrottleOptions, 'tier' | 'units'>;
  /** Seconds by which queries lag behind the twins. */
  readonly queryLag?: number;
  /** How many times as fast the hub's time runs, for throttles and lag. */
  readonly timeScale?: number;
  readonly seed: number;
}

/** The faults of `--faults`. A connection can drop before or after the operation is done; the caller cannot tell which. */
const badDay: readonly FaultKind[] = [
  { status: 429, retryAfter: 1 },
  { status: 500 },
  { status: 503 },
  { drop: 'before' },
  { drop: 'after' },
  { delay: 5_000 },
];

/** The behaviour for these options. Faults hit only Twinkeeper's own calls, not the calls with which the demo disturbs the fleet. */
export function hubBehaviour({ faults = 0, throttle, queryLag, timeScale, seed }: BehaviourOptions): HubBehaviour {
  return {
    ...(faults > 0 ? { faults: [{ share: faults, policy: twinkeeperPolicy, kinds: badDay, seed }] } : {}),
    ...(throttle === undefined ? {} : { throttle }),
    ...(queryLag === undefined ? {} : { queryLag: queryLag * 1000 }),
    ...(timeScale === undefined ? {} : { timeScale }),
  };
}

/** Parses a share: `20%` or `0.2`. @throws {InvalidArgumentError} For any other text. */
export function parseShare(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (number === undefined || share > 1) throw new InvalidArgumentError('It must be a share such as 20% or 0.2.');
  return share;
}

/** Parses a tier and its number of units: `S1` or `S2:4`. @throws {InvalidArgumentError} For any other text. */
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

/** Parses a number, 0 or more. @throws {InvalidArgumentError} For any other text. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number, 0 or more.');
  }
  return value;
}
