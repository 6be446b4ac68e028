import { isJsonObject, type Json } from '../twin/index.ts';
import {
  absent,
  atLeast,
  atMost,
  between,
  byDefault,
  type DurationBounds,
  duration,
  exactly,
  matches,
  type Otherwise,
  oneOf,
  optional,
  type Rule,
} from './rules.ts';

/** Reports a fault of the rule at the path that is read. Returns `undefined`, so that a reader can report and return in one step. */
type Fault = (message: string) => undefined;

/** How a rule is read from its JSON form. */
interface JsonRule {
  /** Whether the rule takes `$otherwise`. */
  readonly otherwise: 'required' | 'possible' | 'refused';
  /** Makes the rule. The caller has checked `$otherwise`. The arguments can have wrong types, which are reported later. */
  read(value: Json, otherwise: never, fault: Fault): Rule | undefined;
}

/** The option `otherwise` of a rule for which it is possible. */
const option = <T>(otherwise: T | undefined): [] | [Otherwise<T>] => (otherwise === undefined ? [] : [{ otherwise }]);

const rules: Readonly<Record<string, JsonRule>> = {
  $exactly: { otherwise: 'refused', read: (value) => exactly(value) },
  $byDefault: { otherwise: 'refused', read: (value) => byDefault(value) },
  $oneOf: {
    otherwise: 'required',
    read: (value, otherwise, fault) =>
      Array.isArray(value)
        ? oneOf(value, { otherwise })
        : fault(`$oneOf takes a list of values, not ${JSON.stringify(value)}.`),
  },
  $between: {
    otherwise: 'required',
    read: (value, otherwise, fault) => {
      const [min, max] = Array.isArray(value) ? value : [];
      return Array.isArray(value) && value.length === 2
        ? between(min as number, max as number, { otherwise })
        : fault(`$between takes [min, max], not ${JSON.stringify(value)}.`);
    },
  },
  $atLeast: {
    otherwise: 'possible',
    read: (value, otherwise: number | undefined) => atLeast(value as number, ...option(otherwise)),
  },
  $atMost: {
    otherwise: 'possible',
    read: (value, otherwise: number | undefined) => atMost(value as number, ...option(otherwise)),
  },
  $matches: { otherwise: 'required', read: (value, otherwise) => matches(value as string, { otherwise }) },
  $duration: {
    otherwise: 'possible',
    read: (value, otherwise: string | undefined, fault) =>
      typeof value === 'string' || isJsonObject(value)
        ? duration(value as string | DurationBounds, ...option(otherwise))
        : fault(`$duration takes a duration, or atLeast and atMost, not ${JSON.stringify(value)}.`),
  },
  $optional: {
    otherwise: 'refused',
    read: (value, _, fault) => {
      const hasRule = isJsonObject(value) && Object.keys(value).some((key) => key.startsWith('$'));
      const inner = hasRule ? readJsonRule(value, fault) : value;
      return inner === undefined ? undefined : optional(inner);
    },
  },
  $absent: {
    otherwise: 'refused',
    read: (value, _, fault) => (value === true ? absent() : fault(`$absent takes true, not ${JSON.stringify(value)}.`)),
  },
};

/**
 * Reads a rule from a policy in a JSON file, such as `{ "$between": [60, 2880], "$otherwise": 2880 }`. Reports an invalid rule, and
 * returns `undefined`.
 */
export function readJsonRule(
  form: { readonly [key: string]: Json },
  report: (message: string) => void,
): Rule | undefined {
  const fault: Fault = (message) => void report(message);
  const { $otherwise, ...rest } = form;
  const [name, ...others] = Object.keys(rest);
  if (name === undefined || others.length > 0) {
    return fault(`a path must have exactly one rule, not ${JSON.stringify(form)}.`);
  }
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined)
    return fault(`unknown rule ${JSON.stringify(name)}. The rules are ${namesWhere(() => true)}.`);
  if ($otherwise === undefined ? rule.otherwise === 'required' : rule.otherwise === 'refused') {
    const required = namesWhere(({ otherwise }) => otherwise === 'required');
    const possible = namesWhere(({ otherwise }) => otherwise === 'possible');
    return fault(
      `${required} need $otherwise, ${possible} can have it, and no other rule takes $otherwise. ` +
        `Found ${JSON.stringify(form)}.`,
    );
  }
  return rule.read(rest[name] as Json, $otherwise as never, fault);
}

function namesWhere(isListed: (rule: JsonRule) => boolean): string {
  const names = Object.keys(rules).filter((name) => isListed(rules[name] as JsonRule));
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
