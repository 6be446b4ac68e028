import * as z from 'zod/mini';
import type { Check } from '../check.ts';
import type { Deployment } from '../deployment.ts';
import { type Finding, fault, faultsOr, warning } from '../finding.ts';
import { findJobsRole, jobsRoleName, missingRoles, type Role, roles } from '../roles.ts';

const componentsSchema = z.looseObject({ value: z.array(z.looseObject({ id: z.string() })) });

export const appRolesCheck: Check = {
  id: 'app-roles',
  title: 'The rights of the app',
  async run({ deployment }) {
    const { azure, ids } = deployment;
    const identity = await deployment.identity();
    if (identity === undefined) return [fault('The function app has no user-assigned identity.', 'azd provision')];
    const { value: components } = await azure.read(
      `${ids.group}/providers/Microsoft.Insights/components`,
      '2020-02-02',
      componentsSchema,
    );
    const needed: readonly (readonly [scope: string, roles: readonly Role[]])[] = [
      [ids.hub, [roles.registryContributor, roles.twinContributor, roles.hubDataReader]],
      [ids.storageAccount, [roles.blobDataOwner, roles.queueDataContributor, roles.tableDataContributor]],
      [ids.eventHub, [roles.eventReceiver]],
      ...components.map(({ id }) => [id, [roles.metricsPublisher]] as const),
    ];
    const principal = { who: 'The app', id: identity.principalId };
    const missing = await Promise.all(needed.map(([scope, wanted]) => missingRoles(azure, scope, principal, wanted)));
    const { TWINKEEPER_BACKFILL: backfill, TWINKEEPER_WALK: walk } = await deployment.settings();
    const usesJobs = backfill?.toLowerCase() !== 'bulk' || walk?.toLowerCase() !== 'query';
    const count = needed.reduce((sum, [, wanted]) => sum + wanted.length, usesJobs ? 1 : 0);
    return faultsOr(`The app has all ${count} roles. New roles take some minutes to count.`, [
      ...missing.flat(),
      ...(usesJobs ? await missingJobsRole(deployment, principal) : []),
    ]);
  },
};

/** Says when the app may not start jobs on the hub. It then works without them, at a higher price. */
async function missingJobsRole(
  { azure, ids, names }: Deployment,
  principal: { readonly who: string; readonly id: string },
): Promise<readonly Finding[]> {
  const role = await findJobsRole(azure, ids.hub);
  const consequence =
    "Without it, bulk calls create missing modules, which takes longer, and walks take messages of the hub's daily quota.";
  if (role === undefined) {
    return [
      warning(
        `Nobody has defined the role ${jobsRoleName(names.hub)}. ${consequence}`,
        'azd env set TWINKEEPER_HUB_JOBS true',
        'azd provision',
      ),
    ];
  }
  const missing = await missingRoles(azure, ids.hub, principal, [role]);
  return missing.map(({ what, mend }) => warning(`${what} ${consequence}`, ...mend));
}
