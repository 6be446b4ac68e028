import type { Json, JsonObject, Path } from '../twin/index.ts';
import type { ComparisonOperator, Condition, FunctionName } from './condition.ts';

type Value = Json | undefined;
type Evaluate = () => Value;

/**
 * Whether a twin's document meets a condition: whether the condition evaluates to `true`.
 *
 * Logic has three values. What is missing is undefined, and so is a comparison of values of different types, or with an object or array
 * ("comparisons are supported only between primitive types"); so is `NOT` of it; `false AND` it is false, `true OR` it is true. What is
 * neither true nor false counts as undefined where a truth value is wanted.
 */
export function holds(condition: Condition, document: JsonObject): boolean {
  return predicateOf(condition)(document);
}

/** {@link holds} made ready for many documents: many times faster from the second one on. */
export function predicateOf(condition: Condition): (document: JsonObject) => boolean {
  const reader = new Reader();
  const evaluate = evaluation(condition, reader);
  return (document) => {
    reader.turnTo(document);
    return evaluate() === true;
  };
}

/** The value at a path, or undefined. Only own properties of objects are looked at. */
export function valueAt(document: JsonObject, path: Path): Json | undefined {
  let value: Json | undefined = document;
  for (const key of path) value = ownValue(value, key);
  return value;
}

function ownValue(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}

/**
 * Looks up the paths of one condition. Conditions name the same few paths, and paths with the same beginning, again and again: each is
 * looked up once in a document, when it is first wanted.
 */
class Reader {
  #document: JsonObject = {};
  #turn = 0;
  readonly #lookups = new Map<string, Evaluate>();

  turnTo(document: JsonObject): void {
    this.#document = document;
    this.#turn += 1;
  }

  lookup(path: Path): Evaluate {
    const key = path.at(-1);
    if (key === undefined) return () => this.#document;
    const name = JSON.stringify(path);
    const known = this.#lookups.get(name);
    if (known !== undefined) return known;
    const parent = this.lookup(path.slice(0, -1));
    let turn = 0;
    let value: Value;
    const lookup = () => {
      if (turn !== this.#turn) {
        turn = this.#turn;
        value = ownValue(parent(), key);
      }
      return value;
    };
    this.#lookups.set(name, lookup);
    return lookup;
  }
}

function evaluation(condition: Condition, reader: Reader): Evaluate {
  const evaluationOf = (operand: Condition) => evaluation(operand, reader);
  switch (condition.type) {
    case 'literal':
      return () => condition.value;
    case 'path':
      return reader.lookup(condition.path);
    case 'compare': {
      const compare = comparisons[condition.operator];
      const left = evaluationOf(condition.left);
      const right = evaluationOf(condition.right);
      return () => compare(left(), right());
    }
    case 'in':
      return membership(evaluationOf(condition.operand), condition.values, condition.negated);
    case 'call':
      return call(condition.name, condition.operands.map(evaluationOf));
    case 'not': {
      const operand = evaluationOf(condition.operand);
      return () => negated(operand());
    }
    case 'and':
      return row(condition.operands.map(evaluationOf), false);
    case 'or':
      return row(condition.operands.map(evaluationOf), true);
  }
}

/** `AND` and `OR` are each other's mirror: one value decides by itself, and only where no operand is undefined can all others together. */
function row(operands: readonly Evaluate[], decisive: boolean): Evaluate {
  return () => {
    let result: Value = !decisive;
    for (const operand of operands) {
      const value = operand();
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
  return () => {
    const value = operand();
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
      return () => first() !== undefined;
    case 'IS_NULL':
      return () => first() === null;
    case 'IS_STRING':
      return () => typeof first() === 'string';
    case 'IS_NUMBER':
      return () => typeof first() === 'number';
    case 'IS_BOOL':
      return () => typeof first() === 'boolean';
    case 'IS_ARRAY':
      return () => Array.isArray(first());
    case 'IS_OBJECT':
      return () => {
        const value = first();
        return typeof value === 'object' && value !== null && !Array.isArray(value);
      };
    case 'IS_PRIMITIVE':
      return () => {
        const value = first();
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
  return () => {
    const whole = first();
    const part = second?.();
    return typeof whole === 'string' && typeof part === 'string' ? test(whole, part) : undefined;
  };
}
