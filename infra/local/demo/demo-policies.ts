import { policies as deployed } from '../../../functions/policies/index.ts';
import { type Policy, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';

/**
 * The policies whose drift the demo can predict: those that enforce rules about a module. The demo neither breaks nor checks audit policies,
 * policies about device twins, and policies with an `evaluate` function.
 */
export function demoPolicies(definitions: readonly PolicyDefinition[] = deployed): readonly Policy[] {
  return toPolicySet(definitions, { mode: 'enforce' }).all.filter(
    ({ mode, module, evaluate }) => mode === 'enforce' && module !== '' && evaluate === undefined,
  );
}
