import type { JsonObject } from '../twin/index.ts';
import type { Mode, PolicyDefinition } from './define-policy.ts';
import type { ExpectedReport } from './expected-report.ts';
import type { OwnedProperty } from './parse-rules.ts';
import type { ScopeMatcher } from './scope.ts';

/** A valid policy with its defaults filled in. */
export interface Policy {
  readonly name: string;
  /** The module whose twin the policy covers. `''` is the device twin. */
  readonly module: string;
  readonly createModule: boolean;
  readonly moduleTags: JsonObject;
  readonly mode: Mode;
  readonly scope: ScopeMatcher;
  readonly owned: readonly OwnedProperty[];
  /** The report that the agent should send. `undefined` when the policy expects none. */
  readonly reported: ExpectedReport | undefined;
  /** True when the policy repairs a path even though an automatic configuration of the hub sets another value there. */
  readonly overrideConfigurations: boolean;
  readonly evaluate: PolicyDefinition['evaluate'];
  /** Dotted paths that start with `desired`, `reported` or `tags`. Empty when there is no `evaluate`. */
  readonly watches: readonly string[];
}
