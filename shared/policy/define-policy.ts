import type { Json, JsonObject, Twin } from '../twin/index.ts';
import type { Reporting } from './expected-report.ts';
import type { Rule } from './rules.ts';
import type { AppliesTo } from './scope.ts';

/** `enforce` records drift and repairs it. `audit` records drift and changes nothing. */
export type Mode = 'enforce' | 'audit';

/**
 * The desired properties that a policy owns, in the layout of the twin. The value at each path is the rule for that property. A plain
 * value means `exactly(value)`, and a plain object contains further properties. A rule in a JSON file is an object such as
 * `{ "$oneOf": [1, 2], "$otherwise": 1 }`.
 */
export interface DesiredRules {
  readonly [key: string]: Rule | DesiredRules | Json;
}

/** A fault that the `evaluate` function of a policy found in a twin. */
export interface Finding {
  /**
   * Dotted path of the property below `properties.desired`. `''` means the twin as a whole: such a finding is recorded and never repaired.
   */
  readonly path: string;
  /**
   * The value that a repair writes at the path. `null` removes the property. When `expected` is missing, the finding is recorded and the
   * twin does not change.
   */
  readonly expected?: Json;
  /** One sentence that describes the fault. The history shows this sentence. */
  readonly message?: string;
}

/** The device and the module whose twin the `evaluate` function of a policy receives. */
export interface EvaluationContext {
  readonly deviceId: string;
  /** The module id. `''` for the device twin. */
  readonly moduleId: string;
}

/** A policy as its author writes it. The app has not validated it yet. */
export interface PolicyDefinition {
  /** The name of the policy, unique and in kebab-case. Every history row of the policy contains the name. */
  readonly name: string;
  readonly description?: string;
  /** The devices to which the policy applies. Default: all devices. */
  readonly appliesTo?: AppliesTo;
  /** The module whose twin the policy covers. Default: the device twin. */
  readonly module?: string;
  /**
   * Whether Twinkeeper creates the module, with its baseline, on devices that do not have the module. Default: false. Such devices then do
   * not change.
   */
  readonly createModule?: boolean;
  /** The tags that a module gets when Twinkeeper creates it. Twinkeeper never changes the tags of an existing module. */
  readonly moduleTags?: JsonObject;
  /** Whether drift is repaired (`enforce`) or only recorded (`audit`). Default: `enforce`. */
  readonly mode?: Mode;
  readonly desired?: DesiredRules;
  /**
   * What the agent on the device reports about its desired properties. When the agent has not applied or has refused a property, the drift
   * is recorded with the kind `notReported`. Twinkeeper does not repair such drift.
   */
  readonly reported?: Reporting;
  /**
   * Whether to repair a property even when an automatic configuration of the hub sets another value for that property. Default: false. The
   * property is then not repaired, because the policy and the configuration would overwrite each other again and again.
   */
  readonly overrideConfigurations?: boolean;
  /**
   * Finds faults that no rule can express. The twin and the context are frozen. The function must be synchronous. It may use 250 ms of
   * processor time. When the function throws, takes longer or returns an invalid result, the policy records a `policyError` for the twin.
   * Other policies continue to work. An error that the function causes after it returned is recorded in the same way.
   */
  evaluate?(twin: Twin, context: EvaluationContext): readonly Finding[];
  /**
   * Dotted paths that start with `desired`, `reported` or `tags`. The `evaluate` function runs after a change at one of these paths.
   * Default: `desired` and `tags`. Each such change costs one read of the twin, so name only the paths that `evaluate` uses.
   */
  readonly watches?: readonly string[];
}

/** Returns the policy unchanged. The call gives the policy its TypeScript type. The app validates all policies when it loads. */
export function definePolicy(definition: PolicyDefinition): PolicyDefinition {
  return definition;
}

/** Returns the content of a JSON file as a policy. The content is not validated here. The app validates all policies when it loads. */
export function policyFromJson(content: unknown): PolicyDefinition {
  return content as PolicyDefinition;
}
