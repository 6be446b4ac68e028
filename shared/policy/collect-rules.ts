import { formatPath, isJsonObject, type Json, jsonEquals, limitFaults, type Path, setAt } from '../twin/index.ts';
import { mendingValue } from './check-rule.ts';
import { absent, between, byDefault, exactly, isRule, oneOf, type Rule } from './rules.ts';

/** One desired property that a policy owns, and what it must be. */
export interface OwnedProperty {
  readonly path: Path;
  /** The same path, dotted. */
  readonly text: string;
  readonly rule: Rule;
}

/** Takes note of a fault: the dotted path it is at, and what is wrong there. */
export type ReportFault = (path: string, message: string) => void;

/** The properties that a policy's `desired` owns. What is wrong is reported, and left out of the result. */
export function collectRules(desired: unknown, report: ReportFault): readonly OwnedProperty[] {
  const owned: OwnedProperty[] = [];

  const visit = (value: unknown, path: Path): void => {
    const text = formatPath(path);
    const fault = (message: string) => report(text, message);
    const rule = isRule(value) ? value : toRule(value, fault);
    if (rule === 'section') {
      for (const [key, inner] of Object.entries(value as object)) visit(inner, [...path, key]);
    } else if (rule !== undefined && checkContent(rule, path, fault)) {
      owned.push({ path, text, rule });
    }
  };

  if (desired === undefined) return owned;
  if (!isJsonObject(desired) || isRule(desired)) {
    report('', 'desired must be an object that is laid out like the twin, with rules or values at its paths.');
    return owned;
  }
  for (const [key, value] of Object.entries(desired)) visit(value, [key]);
  return owned;
}

/** What stands at a path, read as a rule, or as a section to go into. Reports what is neither. */
function toRule(value: unknown, fault: (message: string) => void): Rule | 'section' | undefined {
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string' || Array.isArray(value)) {
    return exactly(value as Json);
  }
  if (value === null) return void fault('null is no value for a twin; to have the property removed, use absent().');
  if (!isJsonObject(value)) {
    return void fault(`${describe(value)} is neither a rule nor a value that a twin could hold.`);
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return void fault('an empty object says nothing; to ask for just that, use exactly({}).');
  return keys.some((key) => key.startsWith('$')) ? fromJsonForm(value, fault) : 'section';
}

/** A rule in the form of JSON policies: `{ "$between": [60, 2880], "$otherwise": 2880 }`. */
function fromJsonForm(form: { readonly [key: string]: Json }, fault: (message: string) => void): Rule | undefined {
  const { $otherwise, ...rest } = form;
  const [name, ...others] = Object.keys(rest);
  if (name === undefined || others.length > 0) {
    return void fault(`one rule must stand at a path, but there is ${JSON.stringify(form)}.`);
  }
  const value = rest[name] as Json;
  if (($otherwise !== undefined) !== (name === '$oneOf' || name === '$between')) {
    return void fault(`$otherwise goes with $oneOf and $between, which need it; here is ${JSON.stringify(form)}.`);
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
        `unknown rule ${JSON.stringify(name)}: there are $exactly, $byDefault, $oneOf, $between and $absent.`,
      );
  }
}

/** Whether a rule makes sense in itself and its values fit a twin at this path. Reports what does not. */
function checkContent(rule: Rule, path: Path, fault: (message: string) => void): boolean {
  const faults: string[] = [];
  if (rule.rule === 'oneOf') {
    if (!Array.isArray(rule.values) || rule.values.length === 0) faults.push('oneOf needs at least one value.');
    else if (!rule.values.some((value) => jsonEquals(value, rule.otherwise)))
      faults.push(`oneOf would mend with ${show(rule.otherwise)}, which is not one of ${show(rule.values)}.`);
  }
  if (rule.rule === 'between') {
    const { min, max, otherwise } = rule;
    for (const [name, bound] of Object.entries({ min, max, otherwise })) {
      if (typeof bound !== 'number' || !Number.isFinite(bound))
        faults.push(`between needs a number as ${name}, not ${show(bound)}.`);
    }
    if (min > max) faults.push(`between has its bounds the wrong way round: ${show(min)} is above ${show(max)}.`);
    else if (otherwise < min || otherwise > max)
      faults.push(`between would mend with ${show(otherwise)}, which is outside ${show(min)} to ${show(max)}.`);
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

/** All values that a rule could allow or set; for `absent`, a stand-in, because the path itself must be possible too. */
function valuesOf(rule: Rule): readonly Json[] {
  if (rule.rule === 'oneOf') return [...rule.values];
  return [mendingValue(rule) ?? (rule.rule === 'absent' ? true : null)];
}

function describe(value: unknown): string {
  return value === undefined ? 'undefined' : typeof value === 'function' ? 'a function' : show(value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
