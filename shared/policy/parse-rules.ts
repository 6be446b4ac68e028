import { formatPath, isJsonObject, type Json, limitFaults, type Path, setAt } from '../twin/index.ts';
import { repairValue } from './check-value.ts';
import { readJsonRule } from './json-rules.ts';
import { ruleFaults, showValue } from './rule-faults.ts';
import { exactly, isRule, type Rule, type RuleContent } from './rules.ts';

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
  return keys.some((key) => key.startsWith('$')) ? readJsonRule(value, fault) : 'section';
}

/**
 * True when the arguments of a rule do not contradict each other and a twin can hold the values of the rule at this path. Reports each
 * fault.
 */
function isValidRule(rule: Rule, path: Path, fault: (message: string) => void): boolean {
  const faults = [...ruleFaults(rule)];
  if (faults.length === 0) {
    for (const value of valuesOf(rule)) {
      for (const { path: at, message } of limitFaults(setAt({}, path, value), 'desired')) {
        faults.push(at === formatPath(path) ? message : `at ${at}: ${message}`);
      }
      if (faults.length === 0 && containsRule(value)) {
        faults.push(
          `${rule.rule} takes a plain value, and its value contains a rule. Give each property its own rule.`,
        );
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
function valuesOf(rule: RuleContent): readonly Json[] {
  if (rule.rule === 'optional') return valuesOf(rule.inner);
  if (rule.rule === 'oneOf') return [...rule.values];
  return [repairValue(rule) ?? (rule.rule === 'absent' ? true : null)];
}

/** Whether a value is a rule or holds one. A repair would write the fields of such a rule into the twin. */
function containsRule(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isRule(value) || Object.values(value).some(containsRule);
}

function describe(value: unknown): string {
  return value === undefined ? 'undefined' : typeof value === 'function' ? 'a function' : showValue(value);
}
