/** How the local hub is to behave, from the options of `twinkeeper local`. */
import { InvalidArgumentError } from 'commander';
import { twinkeeperPolicy } from './hub/credentials.ts';
import type { FaultKind, HubBehaviour, ThrottleOptions } from './hub/index.ts';
import { tiers } from './hub/throttle-limits.ts';

/** Options of `twinkeeper local` that make the hub less than ideal. */
export interface BehaviourOptions {
  /** From 0 to 1. */
  readonly faults?: number;
  readonly throttle?: Pick<ThrottleOptions, 'tier' | 'units'>;
  /** Seconds. */
  readonly queryLag?: number;
  readonly timeScale?: number;
  readonly seed: number;
}

/** All that a hub does to its callers on a bad day. A broken connection may leave the operation done or not: nobody can tell which. */
const badDay: readonly FaultKind[] = [
  { status: 429, retryAfter: 1 },
  { status: 500 },
  { status: 503 },
  { drop: 'before' },
  { drop: 'after' },
  { delay: 5_000 },
];

/** The behaviour that was asked for. Faults strike Twinkeeper's own calls only: those of the demo are what is to be mended. */
export function hubBehaviour({ faults = 0, throttle, queryLag, timeScale, seed }: BehaviourOptions): HubBehaviour {
  return {
    ...(faults > 0 ? { faults: [{ share: faults, policy: twinkeeperPolicy, kinds: badDay, seed }] } : {}),
    ...(throttle === undefined ? {} : { throttle }),
    ...(queryLag === undefined ? {} : { queryLag: queryLag * 1000 }),
    ...(timeScale === undefined ? {} : { timeScale }),
  };
}

/** Reads a share: `20%` or `0.2`. */
export function parseShare(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (number === undefined || share > 1) throw new InvalidArgumentError('It must be a share such as 20% or 0.2.');
  return share;
}

/** Reads a tier with the number of its units: `S1` or `S2:4`. */
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

/** Reads a number that is not negative. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number, 0 or more.');
  }
  return value;
}
