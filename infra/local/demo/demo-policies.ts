import { policies as definitions } from '../../../functions/policies/index.ts';
import { type Policy, toPolicySet } from '../../../shared/policy/index.ts';

/** The app's policies, as far as the demo can foresee what comes of breaking them: those that enforce. */
export function demoPolicies(): readonly Policy[] {
  return toPolicySet(definitions, { mode: 'enforce' }).all.filter(({ mode }) => mode === 'enforce');
}
