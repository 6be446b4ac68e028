import { formatPath, isJsonObject, type Json, jsonEquals, limitFaults, type Path, setAt } from '../twin/index.ts';
import { repairValue } from './check-value.ts';
import { absent, between, byDefault, exactly, isRule, oneOf, type Rule } from './rules.ts';

/** One desired property that a policy owns, and its rule. */
export interface OwnedProperty {
  readonly path: Path;
  /** The path as text, with dots between its keys, such as `a.b`. */
  readonly text: string;
  readonly rule: Rule;
}

/** Collects one fault of a policy. `path` is the dotted path of the fault. */
export type ReportFault = (path: string, message: string) => void;

/** Reads the field `desired` of a policy, and returns the properties that the policy owns. An invalid property is reported and left out. */
export function parseRules(desired: unknown, report: ReportFault): readonly OwnedProperty[] {
  const owned: OwnedProperty[] = [];

  const visit = (value: unknown, path: Path): void => {
    const text = formatPath(path);
    const fault = (message: string) => report(text, message);
    const rule = isRule(value) ? value : toRule(value, fault);
    if (rule === 'section') {
      for (const [key, inner] of Object.entries(value as object)) visit(inner, [...path, key]);
    } else if (rule !== undefined && isValidRule(rule, path, fault)) {
      owned.push({ path, text, rule });
    }
  };

  if (desired === undefined) return owned;
  if (!isJsonObject(desired) || isRule(desired)) {
    report('', 'desired must be an object with the layout of the twin and with rules or values at its paths.');
    return owned;
  }
  for (const [key, value] of Object.entries(desired)) visit(value, [key]);
  return owned;
}

/**
 * Reads a value in `desired` as a rule. Returns `'section'` for an object that contains further properties. Reports any other value, and
 * returns `undefined`.
 */
function toRule(value: unknown, fault: (message: string) => void): Rule | 'section' | undefined {
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string' || Array.isArray(value)) {
    return exactly(value as Json);
  }
  if (value === null) return void fault('a twin cannot hold null. To remove the property, use absent().');
  if (!isJsonObject(value)) {
    return void fault(`${describe(value)} is neither a rule nor a value that a twin can hold.`);
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return void fault('the object is empty. To require an empty object, use exactly({}).');
  return keys.some((key) => key.startsWith('$')) ? fromJsonForm(value, fault) : 'section';
}

/**
 * Reads a rule from a policy in a JSON file, such as `{ "$between": [60, 2880], "$otherwise": 2880 }`. Reports an invalid rule, and
 * returns `undefined`.
 */
function fromJsonForm(form: { readonly [key: string]: Json }, fault: (message: string) => void): Rule | undefined {
  const { $otherwise, ...rest } = form;
  const [name, ...others] = Object.keys(rest);
  if (name === undefined || others.length > 0) {
    return void fault(`a path must have exactly one rule, not ${JSON.stringify(form)}.`);
  }
  const value = rest[name] as Json;
  if (($otherwise !== undefined) !== (name === '$oneOf' || name === '$between')) {
    return void fault(
      `$oneOf and $between need $otherwise, and no other rule takes $otherwise. Found ${JSON.stringify(form)}.`,
    );
  }
  switch (name) {
    case '$exactly':
      return exactly(value);
    case '$byDefault':
      return byDefault(value);
    case '$absent':
      return value === true ? absent() : void fault(`$absent takes true, not ${JSON.stringify(value)}.`);
    case '$oneOf':
      return Array.isArray(value)
        ? oneOf(value, { otherwise: $otherwise as Json })
        : void fault(`$oneOf takes a list of values, not ${JSON.stringify(value)}.`);
    case '$between': {
      const [min, max] = Array.isArray(value) ? value : [];
      return Array.isArray(value) && value.length === 2
        ? between(min as number, max as number, { otherwise: $otherwise as number })
        : void fault(`$between takes [min, max], not ${JSON.stringify(value)}.`);
    }
    default:
      return void fault(
        `unknown rule ${JSON.stringify(name)}. The rules are $exactly, $byDefault, $oneOf, $between and $absent.`,
      );
  }
}

/**
 * True when the arguments of a rule do not contradict each other and a twin can hold the values of the rule at this path. Reports each
 * fault.
 */
function isValidRule(rule: Rule, path: Path, fault: (message: string) => void): boolean {
  const faults: string[] = [];
  if (rule.rule === 'oneOf') {
    if (!Array.isArray(rule.values) || rule.values.length === 0) faults.push('oneOf needs at least one value.');
    else if (!rule.values.some((value) => jsonEquals(value, rule.otherwise)))
      faults.push(`the otherwise of oneOf must be one of ${show(rule.values)}, not ${show(rule.otherwise)}.`);
  }
  if (rule.rule === 'between') {
    const { min, max, otherwise } = rule;
    for (const [name, bound] of Object.entries({ min, max, otherwise })) {
      if (typeof bound !== 'number' || !Number.isFinite(bound))
        faults.push(`the ${name} of between must be a number, not ${show(bound)}.`);
    }
    if (min > max) faults.push(`the min of between, ${show(min)}, is greater than its max, ${show(max)}.`);
    else if (otherwise < min || otherwise > max)
      faults.push(
        `the otherwise of between must be a number from ${show(min)} to ${show(max)}, not ${show(otherwise)}.`,
      );
  }
  if (faults.length === 0) {
    for (const value of valuesOf(rule)) {
      for (const { path: at, message } of limitFaults(setAt({}, path, value))) {
        faults.push(at === formatPath(path) ? message : `at ${at}: ${message}`);
      }
    }
  }
  for (const message of new Set(faults)) fault(message);
  return faults.length === 0;
}

/**
 * The values of a rule that a twin must be able to hold. The rule `absent` has no value. `true` is returned for it, so that the caller
 * still checks the path.
 */
function valuesOf(rule: Rule): readonly Json[] {
  if (rule.rule === 'oneOf') return [...rule.values];
  return [repairValue(rule) ?? (rule.rule === 'absent' ? true : null)];
}

function describe(value: unknown): string {
  return value === undefined ? 'undefined' : typeof value === 'function' ? 'a function' : show(value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
