/**
 * A policy applies to certain devices. It can require that a module exists on these devices, and it has a rule for each desired property
 * that it owns. The app validates all policies when it loads, and does not start with an invalid policy. This folder checks one value
 * against one rule. The folder `reconcile` checks whole twins. The code here is pure, except for the functions that authors write in their
 * policies.
 *
 * @module
 */

export { checkValue, isRequired, type RuleBreach, repairValue } from './check-value.ts';
export { contradicts } from './contradicts.ts';
export { catchLateErrors, describeCustomError, type LateError, shareTimeLimit } from './custom-code-limit.ts';
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
export { usualDurations } from './duration.ts';
export type { ExpectedReport, Reporting } from './expected-report.ts';
export { globPieces } from './glob.ts';
export type { OwnedProperty } from './parse-rules.ts';
export type { Policy } from './policy.ts';
export { type PolicyFault, PolicyFaultsError } from './policy-faults.ts';
export { definitionText, policiesHash, policyHash } from './policy-hash.ts';
export { policyJsonSchema } from './policy-json-schema.ts';
export { baselineOf, type Owner, type PolicySet, type PolicySetOptions, toPolicySet } from './policy-set.ts';
export {
  absent,
  atLeast,
  atMost,
  between,
  byDefault,
  type DurationBounds,
  duration,
  exactly,
  matches,
  oneOf,
  optional,
  type Rule,
  type RuleContent,
  type ValueRule,
} from './rules.ts';
export { type Evaluation, runEvaluate } from './run-evaluate.ts';
export {
  type AppliesTo,
  type Device,
  excludedParts,
  idPatterns,
  type Scope,
  type ScopeParts,
  tagOptions,
  toScopeMatcher,
} from './scope.ts';
export { storedRules } from './stored-rules.ts';
export { type Versions, versionsOf } from './versions.ts';
