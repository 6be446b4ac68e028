import { policies as definitions } from '../../../functions/policies/index.ts';
import { type Policy, toPolicySet } from '../../../shared/policy/index.ts';

/** The app's policies in the mode `enforce`. The demo disturbs only these: audit policies mend nothing. */
export function demoPolicies(): readonly Policy[] {
  return toPolicySet(definitions, { mode: 'enforce' }).all.filter(({ mode }) => mode === 'enforce');
}
