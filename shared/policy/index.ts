/**
 * A policy names the module that must exist on certain devices and a rule for each desired property that the policy owns. The app
 * validates all policies when it loads, and does not start with an invalid one. This folder checks single values. The folder
 * `reconcile` decides about whole twins. The code here is pure, apart from the policies' own functions.
 *
 * @module
 */

export { checkValue, type RuleBreach, repairValue } from './check-value.ts';
export {
  type DesiredRules,
  definePolicy,
  type EvaluationContext,
  type Finding,
  type Mode,
  type PolicyDefinition,
  policyFromJson,
} from './define-policy.ts';
export { describeThrown } from './describe-thrown.ts';
export type { ExpectedReport, Reporting } from './expected-report.ts';
export type { OwnedProperty } from './parse-rules.ts';
export type { Policy } from './policy.ts';
export { type PolicyFault, PolicyFaultsError } from './policy-faults.ts';
export { policyJsonSchema } from './policy-json-schema.ts';
export { baselineOf, type Owner, type PolicySet, type PolicySetOptions, toPolicySet } from './policy-set.ts';
export { absent, between, byDefault, exactly, oneOf, type Rule } from './rules.ts';
export { type Evaluation, runEvaluate } from './run-evaluate.ts';
export type { AppliesTo, Device, Scope } from './scope.ts';
