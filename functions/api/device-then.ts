import type { DriftRow } from '../../shared/drift/index.ts';
import { lastVerified, oldestVerified } from '../../shared/evidence/index.ts';
import { toScopeMatcher } from '../../shared/policy/index.ts';
import type { App } from '../compose.ts';
import type { DeviceThenAnswer, PolicyThen, Verification } from './answers.ts';
import { toRowThen } from './open-row.ts';
import { moment, readStandingAt } from './standing-at.ts';

/** Number of rows of one device that are read at once. */
const rowsPerPage = 1000;
/** Number of sweeps that are searched for the last one that looked at a policy. A walk's result is in each sweep after it. */
const sweepsRead = 20;

/** Reads what is known about when a device was last looked at. `policies`: those that apply to the device, with their versions. */
export async function readVerification(
  { history, sweepStore }: Pick<App, 'history' | 'sweepStore'>,
  deviceId: string,
  policies: readonly Pick<PolicyThen, 'policy' | 'version'>[],
  at: string,
): Promise<Verification> {
  const [sweeps, { rows }] = await Promise.all([
    sweepStore.doneBefore(new Date(at), sweepsRead),
    history.page({ deviceId, to: at }, 50),
  ]);
  const names = policies.map(({ policy }) => policy);
  const versions = Object.fromEntries(policies.map(({ policy, version }) => [policy, version]));
  const verified = lastVerified(names, sweeps, rows, at, versions);
  const oldest = oldestVerified(names, verified);
  return { verified, ...(oldest === undefined ? {} : { lastVerifiedAt: oldest }) };
}

/** Reads a device at a time: what was in force, what was out of line, and when the device had been looked at. */
export async function readDeviceThen(
  app: Pick<App, 'history' | 'policyVersions' | 'rollups' | 'sweepStore'>,
  deviceId: string,
  at: string,
): Promise<DeviceThenAnswer> {
  const [{ policies, ...standing }, rows, newest] = await Promise.all([
    readStandingAt(app, at),
    readOpenAt(app, deviceId, at),
    app.history.page({ deviceId }, 1),
  ]);
  const open = rows.map((row) => toRowThen(row, at));
  const departing = new Set(open.map(({ policy }) => policy));
  const judged = await Promise.all(
    policies.map(async ({ counted: _, ...policy }) => ({
      ...policy,
      applies: departing.has(policy.policy) ? ('yes' as const) : await didApply(app, policy, deviceId),
    })),
  );
  const applied = judged.filter(({ applies }) => applies !== 'no');
  return {
    deviceId,
    policies: judged,
    ...standing,
    isRecorded: newest.rows.length > 0,
    open,
    ...(await readVerification(app, deviceId, applied, at)),
  };
}

/** Reads all rows of a device that were open at a time. The search of a long history can end a page early, also without any row. */
async function readOpenAt(
  { history }: Pick<App, 'history'>,
  deviceId: string,
  at: string,
): Promise<readonly DriftRow[]> {
  const rows: DriftRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await history.during({ deviceId, ...moment(at) }, rowsPerPage, cursor);
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

/** Whether the scope of a policy's version held a device, as far as the id tells. The tags of that time are not known. */
async function didApply(
  { policyVersions }: Pick<App, 'policyVersions'>,
  { policy, version }: Pick<PolicyThen, 'policy' | 'version'>,
  deviceId: string,
): Promise<'yes' | 'no' | 'unknown'> {
  const definition = (await policyVersions.get(policy, version))?.definition;
  const scope = definition?.appliesTo;
  if (definition === undefined || typeof scope === 'string') return 'unknown';
  const matcher = toScopeMatcher(scope as Parameters<typeof toScopeMatcher>[0]);
  if (!matcher.mayMatchId(deviceId)) return 'no';
  return matcher.usesIdOnly ? 'yes' : 'unknown';
}
