import type { DriftRow } from '../drift/index.ts';

/** The fields of a held-back row that decide whether a guard would hold its repair back again. */
export type HeldRow = Pick<DriftRow, 'deviceId' | 'moduleId' | 'policy' | 'path' | 'outcomeAt' | 'error'>;

/** Writes the part of a reason that names the time until which a repair is held back. */
export function untilText(time: number): string {
  return `until ${new Date(time).toISOString()}`;
}

/** Reads the time that {@link untilText} wrote into a reason, in milliseconds since 1970. `undefined` when the reason names no time. */
export function readUntil(reason: string): number | undefined {
  const time = /\buntil (\d{4}-\S+?Z)/.exec(reason)?.[1];
  return time === undefined ? undefined : Date.parse(time);
}

/** Writes the part of a reason that names the command for a release of a policy. */
export function releaseText(policy: string): string {
  return `run "twinkeeper release ${policy}"`;
}

/** Reads the policy that {@link releaseText} wrote into a reason. `undefined` when the reason names no policy. */
export function readReleased(reason: string): string | undefined {
  return /\brun "twinkeeper release ([a-z0-9-]+)"/.exec(reason)?.[1];
}
