import { jsonEquals, overlaps } from '../twin/index.ts';
import type { PolicyDefinition } from './define-policy.ts';
import { areDisjoint } from './disjoint-scopes.ts';
import type { OwnedProperty } from './parse-rules.ts';
import type { Policy } from './policy.ts';
import type { PolicyFault } from './policy-faults.ts';

/**
 * Finds two kinds of conflicts between policies. Two policies have the same name. Or two policies for the same module have different rules
 * for overlapping paths, and a device can exist to which both policies apply.
 */
export function findConflicts(
  policies: readonly Policy[],
  definitions: readonly PolicyDefinition[],
): readonly PolicyFault[] {
  const faults: PolicyFault[] = [];
  const seen = new Set<string>();
  for (const { name } of policies) {
    if (seen.has(name)) faults.push({ policy: name, path: 'name', message: 'another policy already has this name.' });
    seen.add(name);
  }
  const scopeOf = new Map(definitions.map((definition) => [definition?.name, definition?.appliesTo]));
  for (const [index, later] of policies.entries()) {
    for (const earlier of policies.slice(0, index)) {
      if (earlier.module !== later.module || earlier.name === later.name) continue;
      if (areDisjoint(scopeOf.get(earlier.name), scopeOf.get(later.name))) continue;
      for (const { path, text, rule } of later.owned) {
        const rival = earlier.owned.find((other) => overlaps(other.path, path));
        if (rival === undefined || (rival.text === text && sameRule(rival.rule, rule))) continue;
        faults.push({
          policy: later.name,
          path: `desired.${text}`,
          message: `wants ${describeRule(rule)}, but the policy ${earlier.name} wants ${describeRule(rival.rule)} at ${rival.text}.`,
        });
      }
    }
  }
  return faults;
}

function sameRule(left: OwnedProperty['rule'], right: OwnedProperty['rule']): boolean {
  return jsonEquals(JSON.parse(JSON.stringify(left)), JSON.parse(JSON.stringify(right)));
}

function describeRule({ rule, ...content }: OwnedProperty['rule']): string {
  return `${rule}(${Object.values(content)
    .map((value) => JSON.stringify(value))
    .join(', ')})`;
}
