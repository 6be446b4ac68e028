/** Generates policies with twins for the tests of queries, and tests whether a query returns a twin. */
import { newTwin, patchReported, patchTwin, renderTwin } from '../../../../infra/local/hub/twin.ts';
import { baselineOf, type Policy, type PolicyDefinition, toPolicySet } from '../../../../shared/policy/index.ts';
import { holds, parseCondition, parseQuery } from '../../../../shared/query/index.ts';
import { type JsonObject, type Twin, toTwin } from '../../../../shared/twin/index.ts';
import { fc, hubTwins, patchObject, policySets } from '../../../support/arbitraries.ts';

const hour = 3_600_000;

export interface PolicyWithTwin {
  readonly policy: Policy;
  readonly twin: Twin;
  /** The same twin as a JSON object, in the form to which the hub applies a query. */
  readonly document: JsonObject;
}

/** Generates a policy with a twin of its module. The twin is either the policy's baseline with small changes, or any twin. */
export function policyWithTwin({ objects }: { readonly objects: boolean }): fc.Arbitrary<PolicyWithTwin> {
  const changes = fc.record({ desired: fc.option(patchObject), reported: fc.option(patchObject), other: hubTwins });
  return fc
    .tuple(policySets({ objects }), changes, fc.constantFrom('near', 'far'))
    .map(([{ all }, { desired, reported, other }, distance]) => {
      const [policy = policyOf({})] = all;
      const baseline = baselineOf(policy);
      const start = distance === 'far' ? other : newTwin({ desired: baseline }, hour);
      const changed = desired === null ? start : patchTwin(start, { desired }, 2 * hour).twin;
      const answered = patchReported(changed, { ...baseline }, 3 * hour).twin;
      const ended = reported === null ? answered : patchReported(answered, reported, 4 * hour).twin;
      const document = { deviceId: 'device', moduleId: policy.module, ...renderTwin(ended) };
      const twin = toTwin(document, 'device', policy.module);
      if (twin === undefined) throw new Error('The local hub rendered something that is not a twin.');
      return { policy, twin, document };
    });
}

/** Returns a policy for the module `m`. `definition` overrides its default values. */
export function policyOf(definition: Partial<PolicyDefinition>): Policy {
  return toPolicy({ name: 'test', module: 'm', createModule: true, ...definition });
}

/** Returns a policy for the module `m` with this scope. */
export function policyWithScope(appliesTo: PolicyDefinition['appliesTo']): Policy {
  return policyOf(appliesTo === undefined ? {} : { appliesTo });
}

/** Converts a policy's definition to a policy. */
export function toPolicy(definition: PolicyDefinition): Policy {
  const [policy] = toPolicySet([definition], { mode: 'enforce' }).all;
  if (policy === undefined) throw new Error('The definition makes no policy.');
  return policy;
}

/** Whether a twin meets at least one of these query conditions. */
export function meetsAny(conditions: readonly string[], document: JsonObject): boolean {
  return conditions.some((condition) => condition === '' || holds(parseCondition(condition), document));
}

/** Whether a query returns a twin. */
export function selects(query: string, document: JsonObject): boolean {
  const { where } = parseQuery(query);
  return where === undefined || holds(where, document);
}
