import type { JsonObject } from '../twin/index.ts';
import type { Mode, PolicyDefinition } from './define-policy.ts';
import type { ExpectedReport } from './expected-report.ts';
import type { OwnedProperty } from './parse-rules.ts';
import type { ScopeMatcher } from './scope.ts';

/** A valid policy with its defaults filled in. */
export interface Policy {
  /** The policy as its author wrote it. */
  readonly definition: PolicyDefinition;
  readonly name: string;
  /** The id of the module whose twin the policy covers. `''` means the device twin. */
  readonly module: string;
  readonly createModule: boolean;
  readonly moduleTags: JsonObject;
  readonly mode: Mode;
  readonly scope: ScopeMatcher;
  readonly owned: readonly OwnedProperty[];
  /** The report that the policy expects from the agent. `undefined` when the policy expects no report. */
  readonly reported: ExpectedReport | undefined;
  /** True when the policy repairs a property even though an automatic configuration of the hub sets another value for it. */
  readonly overrideConfigurations: boolean;
  readonly evaluate: PolicyDefinition['evaluate'];
  /**
   * Dotted paths that start with `desired`, `reported` or `tags`. The `evaluate` function runs after a change at one of them. The list is
   * empty when the policy has no `evaluate`.
   */
  readonly watches: readonly string[];
}
