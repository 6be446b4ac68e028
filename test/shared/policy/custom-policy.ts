import { type PolicyDefinition, runEvaluate, toPolicySet } from '../../../shared/policy/index.ts';
import { plan } from '../../../shared/reconcile/index.ts';
import { toTwin } from '../../../shared/twin/index.ts';

export const deviceId = 'd';

function twinWith(desired: object = {}) {
  const twin = toTwin({ etag: 'e', version: 1, properties: { desired } }, deviceId, 'm');
  if (twin === undefined) throw new Error('The JSON is not a twin.');
  return twin;
}

/** Makes two policies: `custom` with the given `evaluate` function, and `plain` with the rule that the property `plain` is 1. */
function policiesWith(evaluate: unknown, fields: Partial<PolicyDefinition> = {}) {
  const definition = { name: 'custom', module: 'm', evaluate, ...fields } as PolicyDefinition;
  return toPolicySet([definition, { name: 'plain', module: 'm', desired: { plain: 1 } }], { mode: 'enforce' }).all;
}

/** Runs the given `evaluate` function on a twin with the given desired properties. */
export function run(evaluate: unknown, desired?: object) {
  const [policy] = policiesWith(evaluate);
  if (policy === undefined) throw new Error('The policy set is empty.');
  return runEvaluate(policy, twinWith(desired));
}

/** Returns the plan for a twin with the given desired properties, under the policies `custom` and `plain`. */
export function planWith(evaluate: unknown, desired?: object, fields?: Partial<PolicyDefinition>) {
  const device = { deviceId, tags: {}, edge: false };
  return plan(policiesWith(evaluate, fields), { device, twins: [{ moduleId: 'm', twin: twinWith(desired) }] });
}
