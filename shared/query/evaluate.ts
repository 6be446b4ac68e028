import type { Json, JsonObject, Path } from '../twin/index.ts';
import type { ComparisonOperator, Condition, FunctionName } from './condition.ts';

type Value = Json | undefined;
type Evaluate = (document: JsonObject) => Value;

/**
 * Whether a twin's document meets a condition: whether the condition evaluates to `true`.
 *
 * Logic has three values. What is missing is undefined, and so is a comparison of values of different types, or with an object or array
 * ("comparisons are supported only between primitive types"); so is `NOT` of it; `false AND` it is false, `true OR` it is true. What is
 * neither true nor false counts as undefined where a truth value is wanted.
 */
export function holds(condition: Condition, document: JsonObject): boolean {
  return evaluation(condition)(document) === true;
}

/** {@link holds} made ready for many documents: several times faster from the second one on. */
export function predicateOf(condition: Condition): (document: JsonObject) => boolean {
  const evaluate = evaluation(condition);
  return (document) => evaluate(document) === true;
}

/** The value at a path, or undefined. Only own properties of objects are looked at. */
export function valueAt(document: JsonObject, path: Path): Json | undefined {
  let value: Json | undefined = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) {
      return undefined;
    }
    value = (value as JsonObject)[key];
  }
  return value;
}

function evaluation(condition: Condition): Evaluate {
  switch (condition.type) {
    case 'literal':
      return () => condition.value;
    case 'path':
      return (document) => valueAt(document, condition.path);
    case 'compare': {
      const compare = comparisons[condition.operator];
      const left = evaluation(condition.left);
      const right = evaluation(condition.right);
      return (document) => compare(left(document), right(document));
    }
    case 'in':
      return membership(evaluation(condition.operand), condition.values, condition.negated);
    case 'call':
      return call(condition.name, condition.operands.map(evaluation));
    case 'not': {
      const operand = evaluation(condition.operand);
      return (document) => negated(operand(document));
    }
    case 'and':
      return row(condition.operands.map(evaluation), false);
    case 'or':
      return row(condition.operands.map(evaluation), true);
  }
}

/** `AND` and `OR` are each other's mirror: one value decides by itself, and only where no operand is undefined can all others together. */
function row(operands: readonly Evaluate[], decisive: boolean): Evaluate {
  return (document) => {
    let result: Value = !decisive;
    for (const operand of operands) {
      const value = operand(document);
      if (value === decisive) return decisive;
      if (typeof value !== 'boolean') result = undefined;
    }
    return result;
  };
}

function negated(value: Value): Value {
  return typeof value === 'boolean' ? !value : undefined;
}

/** `x IN [a, b]` is `x = a OR x = b`. */
function membership(operand: Evaluate, values: readonly Value[], isNegated: boolean): Evaluate {
  return (document) => {
    const value = operand(document);
    let found: Value = false;
    for (const candidate of values) {
      const equal = comparisons['='](value, candidate);
      if (equal === true) return !isNegated;
      if (equal === undefined) found = undefined;
    }
    return isNegated ? negated(found) : found;
  };
}

type Compare = (left: Value, right: Value) => boolean | undefined;

/** JavaScript orders two primitives of one type as JSON's: null equals itself, false comes before true, strings by code units. */
const comparisons: Readonly<Record<ComparisonOperator, Compare>> = {
  '=': (left, right) => (areComparable(left, right) ? left === right : undefined),
  '!=': (left, right) => (areComparable(left, right) ? left !== right : undefined),
  '<': (left, right) => (areComparable(left, right) ? rank(left) < rank(right) : undefined),
  '<=': (left, right) => (areComparable(left, right) ? rank(left) <= rank(right) : undefined),
  '>': (left, right) => (areComparable(left, right) ? rank(left) > rank(right) : undefined),
  '>=': (left, right) => (areComparable(left, right) ? rank(left) >= rank(right) : undefined),
};

function areComparable(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  return typeof left === typeof right && left !== undefined && typeof left !== 'object';
}

// Both sides are of one type already; this only tells the type checker so.
function rank(value: Value): string | number {
  return typeof value === 'string' ? value : Number(value);
}

function call(name: FunctionName, [first, second]: readonly Evaluate[]): Evaluate {
  if (first === undefined) throw new TypeError(`${name} needs an operand`);
  switch (name) {
    case 'IS_DEFINED':
      return (document) => first(document) !== undefined;
    case 'IS_NULL':
      return (document) => first(document) === null;
    case 'IS_STRING':
      return (document) => typeof first(document) === 'string';
    case 'IS_NUMBER':
      return (document) => typeof first(document) === 'number';
    case 'IS_BOOL':
      return (document) => typeof first(document) === 'boolean';
    case 'IS_ARRAY':
      return (document) => Array.isArray(first(document));
    case 'IS_OBJECT':
      return (document) => {
        const value = first(document);
        return typeof value === 'object' && value !== null && !Array.isArray(value);
      };
    case 'IS_PRIMITIVE':
      return (document) => {
        const value = first(document);
        return value === null || (value !== undefined && typeof value !== 'object');
      };
    case 'STARTSWITH':
      return text(first, second, (whole, part) => whole.startsWith(part));
    case 'ENDSWITH':
      return text(first, second, (whole, part) => whole.endsWith(part));
    case 'CONTAINS':
      return text(first, second, (whole, part) => whole.includes(part));
  }
}

function text(first: Evaluate, second: Evaluate | undefined, test: (whole: string, part: string) => boolean): Evaluate {
  return (document) => {
    const whole = first(document);
    const part = second?.(document);
    return typeof whole === 'string' && typeof part === 'string' ? test(whole, part) : undefined;
  };
}
