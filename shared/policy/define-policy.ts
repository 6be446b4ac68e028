import type { Json, JsonObject, Twin } from '../twin/index.ts';
import type { Reporting } from './expected-report.ts';
import type { Rule } from './rules.ts';
import type { AppliesTo } from './scope.ts';

/** `enforce` mends what is out of line; `audit` records it and changes nothing. */
export type Mode = 'enforce' | 'audit';

/**
 * The desired properties a policy owns, laid out like the twin. A rule stands at the path it is about; a plain value means
 * `exactly(value)`; a plain object is a nested section. In JSON files, rules are written `{ "$oneOf": [1, 2], "$otherwise": 1 }`.
 */
export interface DesiredRules {
  readonly [key: string]: Rule | DesiredRules | Json;
}

/** Something that a custom `evaluate` found. */
export interface Finding {
  /** Dotted path below `properties.desired`; `''` for the twin as a whole, which nothing can mend. */
  readonly path: string;
  /** The value that would mend it; `null` to remove the property. Left out: it is recorded, and nothing is changed. */
  readonly expected?: Json;
  /** For the history: what is wrong, in a sentence. */
  readonly message?: string;
}

/** Whose twin a custom `evaluate` is looking at. */
export interface EvaluationContext {
  readonly deviceId: string;
  /** `''` for the device's own twin. */
  readonly moduleId: string;
}

/** A policy as it is written. */
export interface PolicyDefinition {
  /** Unique, kebab-case; the key in every history row. */
  readonly name: string;
  readonly description?: string;
  /** Which devices it is about; all when left out. */
  readonly appliesTo?: AppliesTo;
  /** The module whose twin it is about; left out, it is about the device's own twin. */
  readonly module?: string;
  /** Create the module, with the baseline in its twin, on devices that lack it. Default: false, such devices are left alone. */
  readonly createModule?: boolean;
  /** The tags a module gets when it is created. Existing modules' tags are left alone. */
  readonly moduleTags?: JsonObject;
  /** Default: `enforce`. */
  readonly mode?: Mode;
  readonly desired?: DesiredRules;
  /** How the agent answers to its desired properties. What it did not take is recorded as `notReported`; nothing is changed for it. */
  readonly reported?: Reporting;
  /**
   * Mend also what an automatic configuration of the hub sets otherwise. Default: false, such a path is left alone, because the two
   * would fight for ever.
   */
  readonly overrideConfigurations?: boolean;
  /**
   * Custom findings, for what the rules cannot say. Given frozen data; must be synchronous and quick (a quarter of a second). When it
   * throws, takes too long or returns nonsense, this policy records a `policyError` for the twin and all others go on.
   */
  evaluate?(twin: Twin, context: EvaluationContext): readonly Finding[];
  /**
   * Which changes call for `evaluate`: dotted paths that start with `desired`, `reported` or `tags`. Default: `desired` and `tags`.
   * Each such change costs a read of the twin, so name what matters.
   */
  readonly watches?: readonly string[];
}

/** Types a policy while it is written, and changes nothing. It is validated, with all others, when the app loads. */
export function definePolicy(definition: PolicyDefinition): PolicyDefinition {
  return definition;
}

/** Takes the content of a JSON file as a policy. Like those in TypeScript, it is validated when the app loads, whatever it holds. */
export function policyFromJson(content: unknown): PolicyDefinition {
  return content as PolicyDefinition;
}
