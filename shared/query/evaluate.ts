import type { Json, JsonObject, Path } from '../twin/index.ts';
import type { ComparisonOperator, Condition, FunctionName } from './condition.ts';

type Value = Json | undefined;

/** A compiled condition. Each call returns the value of the condition for the document that was set last. */
type Evaluate = () => Value;

/**
 * True when the condition is true for the JSON document of a twin.
 *
 * A condition has one of three values: true, false or undefined. A missing property is undefined. A comparison is undefined when its two
 * sides have different types, or when one side is an object or an array. `NOT undefined` is undefined, `false AND undefined` is false, and
 * `true OR undefined` is true. When an operand of `AND`, `OR` or `NOT` is not a boolean, it counts as undefined.
 */
export function holds(condition: Condition, document: JsonObject): boolean {
  return predicateOf(condition)(document);
}

/**
 * Compiles a condition into a function that tests documents. To test more than one document, use this function in place of {@link holds}.
 */
export function predicateOf(condition: Condition): (document: JsonObject) => boolean {
  const reader = new DocumentReader();
  const evaluate = compile(condition, reader);
  return (document) => {
    reader.setDocument(document);
    return evaluate() === true;
  };
}

/**
 * The value at a path in the JSON document of a twin, or `undefined` when the path does not exist. Properties of a prototype and items of
 * an array are not found.
 */
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
 * Reads the values at the paths of one condition from the current document. Conditions often repeat a path, or have paths that start with
 * the same keys. So the value at each path is read only once for each document.
 */
class DocumentReader {
  #document: JsonObject = {};
  /**
   * The number of the current document. It increases with each document, and shows whether a cached value belongs to an earlier document.
   */
  #documentNumber = 0;
  readonly #lookups = new Map<string, Evaluate>();

  setDocument(document: JsonObject): void {
    this.#document = document;
    this.#documentNumber += 1;
  }

  /** Returns a function that reads the value at a path in the current document. */
  lookup(path: Path): Evaluate {
    const key = path.at(-1);
    if (key === undefined) return () => this.#document;
    const name = JSON.stringify(path);
    const known = this.#lookups.get(name);
    if (known !== undefined) return known;
    const parent = this.lookup(path.slice(0, -1));
    let cachedNumber = 0;
    let value: Value;
    const lookup = () => {
      if (cachedNumber !== this.#documentNumber) {
        cachedNumber = this.#documentNumber;
        value = ownValue(parent(), key);
      }
      return value;
    };
    this.#lookups.set(name, lookup);
    return lookup;
  }
}

function compile(condition: Condition, reader: DocumentReader): Evaluate {
  const compileOperand = (operand: Condition) => compile(operand, reader);
  switch (condition.type) {
    case 'literal':
      return () => condition.value;
    case 'path':
      return reader.lookup(condition.path);
    case 'compare': {
      const compare = comparisons[condition.operator];
      const left = compileOperand(condition.left);
      const right = compileOperand(condition.right);
      return () => compare(left(), right());
    }
    case 'in':
      return compileIn(compileOperand(condition.operand), condition.values, condition.negated);
    case 'call':
      return compileCall(condition.name, condition.operands.map(compileOperand));
    case 'not': {
      const operand = compileOperand(condition.operand);
      return () => negated(operand());
    }
    case 'and':
      return compileAndOr(condition.operands.map(compileOperand), false);
    case 'or':
      return compileAndOr(condition.operands.map(compileOperand), true);
  }
}

/**
 * Compiles `AND` or `OR`. `decisive` is false for `AND` and true for `OR`. When one operand has the decisive value, the result is that
 * value. Otherwise, when one operand is not a boolean, the result is undefined.
 */
function compileAndOr(operands: readonly Evaluate[], decisive: boolean): Evaluate {
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

/** Compiles `IN` or `NIN`. `x IN [a, b]` means `x = a OR x = b`. */
function compileIn(operand: Evaluate, values: readonly Value[], isNegated: boolean): Evaluate {
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

/**
 * The comparison operators, for two primitive values. When the types differ, the result is undefined. `null` equals `null`, `false` is
 * less than `true`, and strings are compared by UTF-16 code units.
 */
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

/** Converts a value into a form that `<` can compare. The caller has checked that both sides have the same type. */
function rank(value: Value): string | number {
  return typeof value === 'string' ? value : Number(value);
}

function compileCall(name: FunctionName, [first, second]: readonly Evaluate[]): Evaluate {
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
      return compileStringTest(first, second, (whole, part) => whole.startsWith(part));
    case 'ENDSWITH':
      return compileStringTest(first, second, (whole, part) => whole.endsWith(part));
    case 'CONTAINS':
      return compileStringTest(first, second, (whole, part) => whole.includes(part));
  }
}

/** Compiles a function that tests two strings, such as `STARTSWITH`. The result is undefined when an operand is not a string. */
function compileStringTest(
  first: Evaluate,
  second: Evaluate | undefined,
  test: (whole: string, part: string) => boolean,
): Evaluate {
  return () => {
    const whole = first();
    const part = second?.();
    return typeof whole === 'string' && typeof part === 'string' ? test(whole, part) : undefined;
  };
}
