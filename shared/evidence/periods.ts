import type { Mode } from '../policy/index.ts';

/** What was in force from one time on. */
export interface InForce {
  /** Since when, ISO 8601. */
  readonly since: string;
  readonly appVersion: string;
  /** The version and the mode of each policy, by its name. */
  readonly policies: Readonly<Record<string, { readonly version: string; readonly mode: Mode }>>;
}

/** A time in which one version of a policy was in force. */
export interface Period {
  /** ISO 8601. */
  readonly since: string;
  /** When another version, mode or app followed, or the policy was taken out, ISO 8601. Absent while the period lasts. */
  readonly until?: string;
  readonly version: string;
  readonly mode: Mode;
  readonly appVersion: string;
}

/** The periods of a policy, newest first. `inForce` is what was in force from each time on, newest first. Pure. */
export function periodsOf(policy: string, inForce: readonly InForce[]): readonly Period[] {
  const periods: Period[] = [];
  let until: string | undefined;
  for (const { since, appVersion, policies } of inForce) {
    const own = Object.hasOwn(policies, policy) ? policies[policy] : undefined;
    const next = periods.at(-1);
    if (own !== undefined) {
      const isSame =
        next?.since === until &&
        next?.version === own.version &&
        next.mode === own.mode &&
        next.appVersion === appVersion;
      if (isSame) periods[periods.length - 1] = { ...next, since };
      else periods.push({ since, ...(until === undefined ? {} : { until }), ...own, appVersion });
    }
    until = since;
  }
  return periods;
}
