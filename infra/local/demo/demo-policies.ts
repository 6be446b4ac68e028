import { policies as deployed } from '../../../functions/policies/index.ts';
import { type Policy, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';

/**
 * The policies whose drift the demo can predict: policies in mode `enforce` with rules about a module. The demo causes no drift from other
 * policies and does not check it. Others are audit policies, policies about device twins, and policies with an `evaluate` function.
 */
export function demoPolicies(definitions: readonly PolicyDefinition[] = deployed): readonly Policy[] {
  return toPolicySet(definitions, { mode: 'enforce' }).all.filter(
    ({ mode, module, evaluate }) => mode === 'enforce' && module !== '' && evaluate === undefined,
  );
}
