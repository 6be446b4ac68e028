import type { Json, JsonObject, Twin } from '../twin/index.ts';
import type { Reporting } from './expected-report.ts';
import type { Rule } from './rules.ts';
import type { AppliesTo } from './scope.ts';

/** `enforce` records drift and repairs it. `audit` records drift and changes nothing. */
export type Mode = 'enforce' | 'audit';

/**
 * The desired properties that a policy owns, in the layout of the twin. Each path has a rule. A plain value means `exactly(value)`,
 * and a plain object is a nested section. A JSON file writes a rule as `{ "$oneOf": [1, 2], "$otherwise": 1 }`.
 */
export interface DesiredRules {
  readonly [key: string]: Rule | DesiredRules | Json;
}

/** A fault that a policy's own `evaluate` function found in a twin. */
export interface Finding {
  /** Dotted path below `properties.desired`. `''` is the twin as a whole: such a finding is recorded and never repaired. */
  readonly path: string;
  /** The value that repairs the fault. `null` removes the property. Without it, the finding is recorded and nothing changes. */
  readonly expected?: Json;
  /** One sentence for the history that describes the fault. */
  readonly message?: string;
}

/** The device and module whose twin a policy's own `evaluate` function receives. */
export interface EvaluationContext {
  readonly deviceId: string;
  /** The module id. `''` for the device twin. */
  readonly moduleId: string;
}

/** A policy as its author writes it. */
export interface PolicyDefinition {
  /** Unique, kebab-case. The key of the policy in every history row. */
  readonly name: string;
  readonly description?: string;
  /** The devices to which the policy applies. Default: all devices. */
  readonly appliesTo?: AppliesTo;
  /** The module whose twin the policy covers. Default: the device twin. */
  readonly module?: string;
  /** Creates the module with its baseline on devices that lack it. Default: false, and such devices stay as they are. */
  readonly createModule?: boolean;
  /** The tags of a newly created module. The tags of existing modules never change. */
  readonly moduleTags?: JsonObject;
  /** Whether drift is repaired or only recorded. Default: `enforce`. */
  readonly mode?: Mode;
  readonly desired?: DesiredRules;
  /** How the agent reports on its desired properties. A setting that the agent refused is recorded as `notReported` only. */
  readonly reported?: Reporting;
  /**
   * Repairs a path even when an automatic configuration of the hub sets another value there. Default: false, and the path stays as it
   * is, because policy and configuration would overwrite each other for ever.
   */
  readonly overrideConfigurations?: boolean;
  /**
   * Finds faults that no rule can express. The twin and the context are frozen. The function must be synchronous and end within
   * 250 ms. If it throws, takes longer or returns an invalid result, the policy records a `policyError` for the twin. Other policies
   * are not affected.
   */
  evaluate?(twin: Twin, context: EvaluationContext): readonly Finding[];
  /**
   * The changes after which `evaluate` runs, as dotted paths that start with `desired`, `reported` or `tags`. Default: `desired` and
   * `tags`. Each such change costs one read of the twin, so name only the paths that `evaluate` uses.
   */
  readonly watches?: readonly string[];
}

/** Gives a policy its type and returns it unchanged. The app validates all policies when it loads. */
export function definePolicy(definition: PolicyDefinition): PolicyDefinition {
  return definition;
}

/** Takes the content of a JSON file as a policy. The content may be anything: the app validates all policies when it loads. */
export function policyFromJson(content: unknown): PolicyDefinition {
  return content as PolicyDefinition;
}
