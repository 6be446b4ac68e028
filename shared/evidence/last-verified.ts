import type { DriftRow } from '../drift/index.ts';
import type { Look, SweepRow } from '../sweep/store/index.ts';

/** When a device was last looked at for a policy, and how. So a device that complies and one that nobody looked at are different things. */
export interface LastVerified {
  readonly policy: string;
  /** When the twin was looked at, ISO 8601. */
  readonly at: string;
  /**
   * `event`: an event told a change of the twin. `read`: the twin was read. `sweepQuery`: a sweep asked the hub for all twins that break the
   * policy. `sweepRead`: a sweep read all twins.
   */
  readonly how: 'event' | 'read' | 'sweepQuery' | 'sweepRead';
  /** When it was last verified that the device has the module. Absent for a policy that creates none, and when `at` is not a sweep's. */
  readonly module?: { readonly at: string; readonly how: 'sweepCount' | 'sweepRead' };
}

/**
 * Says when a device was last looked at for each of its policies. A policy for which it never was has no entry. Costs no write a device: a sweep
 * that finds a twin in line says so once for all devices. Pure.
 *
 * @param policies The names of the policies that apply to the device.
 * @param sweeps Sweeps that are done, newest first.
 * @param rows The last rows of the device.
 * @param at The time of the question, ISO 8601. What was looked at later does not count.
 * @param versions The versions of the policies, by name. A look at another version does not count: it says nothing about this one.
 */
export function lastVerified(
  policies: readonly string[],
  sweeps: readonly SweepRow[],
  rows: readonly DriftRow[],
  at: string,
  versions: Readonly<Record<string, string>> = {},
): readonly LastVerified[] {
  const done = sweeps.filter(({ state, endedAt }) => state === 'done' && endedAt !== undefined && endedAt <= at);
  return policies.flatMap((policy): readonly LastVerified[] => {
    const isOfVersion = (version: string | undefined) =>
      version === undefined || versions[policy] === undefined || version === versions[policy];
    const bySweep = lookBySweep(policy, done, isOfVersion);
    const byPass = lookByPass(
      rows.filter((row) => row.policy === policy && isOfVersion(row.policyVersion)),
      at,
    );
    const newest = byPass !== undefined && byPass.at > (bySweep?.at ?? '') ? byPass : bySweep;
    return newest === undefined ? [] : [newest];
  });
}

/** The time at which every policy of a device was verified at the latest. `undefined` when one never was, or when there is none. Pure. */
export function oldestVerified(policies: readonly string[], verified: readonly LastVerified[]): string | undefined {
  const times = verified.flatMap((one) => (one.module === undefined ? [one.at] : [one.at, one.module.at]));
  return verified.length < policies.length ? undefined : times.toSorted()[0];
}

function lookBySweep(
  policy: string,
  sweeps: readonly SweepRow[],
  isOfVersion: (version: string | undefined) => boolean,
): LastVerified | undefined {
  const looks = sweeps
    .flatMap(({ verified = {} }) => (Object.hasOwn(verified, policy) ? [verified[policy]] : []))
    .filter((look) => isOfVersion(look?.version));
  const values = newestOf(looks.map((look) => look?.values));
  const modules = newestOf(looks.map((look) => look?.modules));
  if (values === undefined) return undefined;
  return {
    ...{ policy, at: values.at, how: values.how === 'query' ? 'sweepQuery' : 'sweepRead' },
    ...(modules === undefined
      ? {}
      : { module: { at: modules.at, how: modules.how === 'count' ? 'sweepCount' : 'sweepRead' } }),
  };
}

function newestOf(looks: readonly (Look | undefined)[]): Look | undefined {
  return looks.filter((look) => look !== undefined).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
}

/**
 * The last time that a row got an outcome from an event or from a read. A row that gives up after its retries tells no look at the twin, nor does
 * one that waits for a retry: perhaps the twin could not be read.
 */
function lookByPass(rows: readonly DriftRow[], before: string): LastVerified | undefined {
  const steps = rows.flatMap(({ policy, transitions = [] }) =>
    transitions.flatMap(({ at, lastAt = at, by, outcome }) => {
      const time = lastAt > before ? at : lastAt;
      const isLook = by !== undefined && by !== 'retries' && outcome !== 'deferred' && time <= before;
      return isLook ? [{ policy, at: time, by }] : [];
    }),
  );
  const [last] = steps.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  return last === undefined
    ? undefined
    : { policy: last.policy, at: last.at, how: last.by === 'event' ? 'event' : 'read' };
}
