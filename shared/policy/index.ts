/**
 * Policies: which module must exist on which devices, what its desired properties must be, and how strictly. This module defines and
 * validates them and checks single values; what follows from a whole twin is decided in `reconcile`. Pure.
 *
 * @module
 */
export { checkRule, mendingValue, type RuleBreach } from './check-rule.ts';
export type { OwnedProperty } from './collect-rules.ts';
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
export { type PolicyFault, PolicyFaultsError } from './policy-faults.ts';
export { policyJsonSchema } from './policy-json-schema.ts';
export {
  baselineOf,
  type Owner,
  type Policy,
  type PolicySet,
  type PolicySetOptions,
  toPolicySet,
} from './policy-set.ts';
export { absent, between, byDefault, exactly, oneOf, type Rule } from './rules.ts';
export { type Evaluation, evaluateTimeLimit, runEvaluate } from './run-evaluate.ts';
export type { AppliesTo, Device, Scope } from './scope.ts';
