import type { DuringQuery } from '../../shared/drift/index.ts';
import type { App } from '../compose.ts';
import type { StandingThen } from './answers.ts';

/** Where the standing at a time is read. */
export type StandingSource = Pick<App, 'history' | 'policyVersions' | 'rollups'>;

/** The range that has only one moment. */
export function moment(at: string): Pick<DuringQuery, 'openFrom' | 'openTo'> {
  return { openFrom: at, openTo: new Date(Date.parse(at) + 1).toISOString() };
}

/** Reads what was in force at a time, and how many devices complied then. Reads one hour of counts, and two entities. */
export async function readStandingAt(
  { history, policyVersions, rollups }: StandingSource,
  at: string,
): Promise<StandingThen> {
  const [inForce, completeSince, { compliance }] = await Promise.all([
    policyVersions.at(new Date(at)),
    history.completeSince(),
    rollups.summary(at, new Date(Date.parse(at) + 1).toISOString(), 1),
  ]);
  const policies = Object.entries(inForce?.policies ?? {}).map(([policy, { version, mode }]) => {
    const counted = compliance.find((one) => one.policy === policy);
    return {
      policy,
      version,
      mode,
      since: inForce?.since ?? at,
      ...(counted === undefined ? {} : { counted: { devices: counted.devices, compliant: counted.compliant } }),
    };
  });
  return {
    at,
    policies,
    ...(inForce === undefined ? {} : { appVersion: inForce.appVersion }),
    ...(completeSince === undefined ? {} : { completeSince }),
  };
}
