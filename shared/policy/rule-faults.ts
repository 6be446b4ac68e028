import { jsonEquals } from '../twin/index.ts';
import { checkValue } from './check-value.ts';
import { durationSeconds } from './duration.ts';
import type { RuleContent } from './rules.ts';

/**
 * Lists the faults in the arguments of a rule, such as a `min` that is greater than the `max`. The list is empty for a valid rule. The
 * arguments can have any type, because a policy can come from a JSON file.
 */
export function ruleFaults(rule: RuleContent): readonly string[] {
  switch (rule.rule) {
    case 'oneOf':
      if (!Array.isArray(rule.values) || rule.values.length === 0) return ['oneOf needs at least one value.'];
      return rule.values.some((value) => jsonEquals(value, rule.otherwise))
        ? []
        : [`the otherwise of oneOf must be one of ${showValue(rule.values)}, not ${showValue(rule.otherwise)}.`];
    case 'between':
      return betweenFaults(rule);
    case 'atLeast':
    case 'atMost': {
      const { rule: name, otherwise } = rule;
      const [boundName, bound] = name === 'atLeast' ? ['min', rule.min] : ['max', rule.max];
      const faults = numberFaults(name, { [boundName]: bound, ...(otherwise === bound ? {} : { otherwise }) });
      if (faults.length > 0 || checkValue(rule, otherwise) === undefined) return faults;
      const range = `of ${bound} or ${name === 'atLeast' ? 'more' : 'less'}`;
      return [`the otherwise of ${name} must be a number ${range}, not ${otherwise}.`];
    }
    case 'matches':
      if (typeof rule.pattern !== 'string' || rule.pattern === '') {
        return [`matches takes a pattern such as "eth*", not ${showValue(rule.pattern)}.`];
      }
      return checkValue(rule, rule.otherwise) === undefined
        ? []
        : [
            `the otherwise of matches must match ${showValue(rule.pattern)}, and ${showValue(rule.otherwise)} does not.`,
          ];
    case 'duration':
      return durationFaults(rule);
    case 'optional': {
      const { inner } = rule;
      const { rule: name } = inner as RuleContent;
      if (name === 'absent' || name === 'optional' || name === 'byDefault') {
        return [`optional cannot contain ${name}: a missing property is allowed already, or any value is.`];
      }
      return ruleFaults(inner);
    }
    default:
      return [];
  }
}

/** Writes any value for a message. */
export function showValue(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}

function numberFaults(name: string, numbers: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(numbers)
    .filter(([, value]) => typeof value !== 'number' || !Number.isFinite(value))
    .map(([field, value]) => `the ${field} of ${name} must be a number, not ${showValue(value)}.`);
}

function betweenFaults({ min, max, otherwise }: Extract<RuleContent, { rule: 'between' }>): readonly string[] {
  const faults = [...numberFaults('between', { min, max, otherwise })];
  if (min > max) {
    faults.push(`the min of between, ${showValue(min)}, is greater than its max, ${showValue(max)}.`);
  } else if (otherwise < min || otherwise > max) {
    const range = `from ${showValue(min)} to ${showValue(max)}`;
    faults.push(`the otherwise of between must be a number ${range}, not ${showValue(otherwise)}.`);
  }
  return faults;
}

function durationFaults(rule: Extract<RuleContent, { rule: 'duration' }>): readonly string[] {
  const { rule: name, otherwise, ...bounds } = rule;
  const given = Object.entries(bounds).filter(([, value]) => value !== undefined);
  const unknown = given.map(([key]) => key).filter((key) => key !== 'atLeast' && key !== 'atMost');
  if (unknown.length > 0 || given.length === 0) {
    return [`${name} takes a duration, or atLeast and atMost, not ${showValue(bounds)}.`];
  }
  const { atLeast, atMost } = bounds;
  if (otherwise === undefined) return [`${name} needs otherwise where it has both atLeast and atMost.`];
  // The same text can be the value of several fields. The map has each text once, so the fault is reported once.
  const texts = new Map(Object.entries({ otherwise, atMost, atLeast }).map(([field, value]) => [value, field]));
  const faults = [...texts]
    .filter(([value]) => value !== undefined && durationSeconds(value) === undefined)
    .map(
      ([value, field]) =>
        `the ${field} of ${name} must be an ISO 8601 duration such as "PT1H", without years and months, not ${showValue(value)}.`,
    );
  if (faults.length > 0 || checkValue(rule, otherwise) === undefined) return faults;
  const [shortest, longest] = [durationSeconds(atLeast) ?? 0, durationSeconds(atMost) ?? Number.POSITIVE_INFINITY];
  if (shortest > longest) return [`the atLeast of ${name}, ${showValue(atLeast)}, is longer than its atMost.`];
  return [`the otherwise of ${name} must keep to its bounds, and ${showValue(otherwise)} does not.`];
}
