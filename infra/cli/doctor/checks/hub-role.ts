import type { Check } from '../check.ts';
import { faultsOr, unknown } from '../finding.ts';
import { missingRoles, roles } from '../roles.ts';

export const hubRoleCheck: Check = {
  id: 'hub-role',
  title: 'The right of the IoT hub to send events',
  async run({ deployment }) {
    const { azure, ids, names } = deployment;
    const { identity } = await deployment.hub();
    if (identity?.principalId === undefined) return [unknown('The hub has no identity of its own. See "hub".')];
    const missing = await missingRoles(azure, ids.eventHub, { who: 'The IoT hub', id: identity.principalId }, [
      roles.eventSender,
    ]);
    return faultsOr(`The hub may send to ${names.eventHub}.`, missing);
  },
};
