import type { Path } from '../twin/index.ts';

/** A value that a condition of a query can compare. IoT Hub cannot compare objects or arrays. */
export type Primitive = string | number | boolean | null;

export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/**
 * The functions of the query language, with the number of arguments of each. For twins, the documentation names only `IS_DEFINED`. For
 * message routes, which use the same language, the documentation names the other functions.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language#functions
 */
export const functionArity = {
  IS_DEFINED: 1,
  IS_NULL: 1,
  IS_STRING: 1,
  IS_NUMBER: 1,
  IS_BOOL: 1,
  IS_OBJECT: 1,
  IS_ARRAY: 1,
  IS_PRIMITIVE: 1,
  STARTSWITH: 2,
  ENDSWITH: 2,
  CONTAINS: 2,
} as const;

export type FunctionName = keyof typeof functionArity;

/** An expression of the query language: the whole condition after `WHERE`, or a part of that condition. */
export type Condition =
  | { readonly type: 'literal'; readonly value: Primitive | undefined }
  /** A path from the root of a twin's JSON document, such as `['properties', 'desired', 'a']`. */
  | { readonly type: 'path'; readonly path: Path }
  | {
      readonly type: 'compare';
      readonly operator: ComparisonOperator;
      readonly left: Condition;
      readonly right: Condition;
    }
  /** The operator `IN`. When `negated` is true, the operator `NIN`. */
  | {
      readonly type: 'in';
      readonly negated: boolean;
      readonly operand: Condition;
      readonly values: readonly (Primitive | undefined)[];
    }
  | { readonly type: 'call'; readonly name: FunctionName; readonly operands: readonly Condition[] }
  | { readonly type: 'not'; readonly operand: Condition }
  /** Two or more operands of `AND` or `OR` in one flat list. A long chain of `AND` then does not make a deep tree. */
  | { readonly type: 'and' | 'or'; readonly operands: readonly Condition[] };

/** Lists the functions in a condition. A function that occurs twice is listed twice. */
export function functionsIn(condition: Condition): readonly FunctionName[] {
  switch (condition.type) {
    case 'literal':
    case 'path':
      return [];
    case 'compare':
      return [...functionsIn(condition.left), ...functionsIn(condition.right)];
    case 'in':
    case 'not':
      return functionsIn(condition.operand);
    case 'call':
      return [condition.name, ...condition.operands.flatMap(functionsIn)];
    case 'and':
    case 'or':
      return condition.operands.flatMap(functionsIn);
  }
}

/** Lists every path in a condition. A path that occurs twice is listed twice. */
export function pathsIn(condition: Condition): readonly Path[] {
  switch (condition.type) {
    case 'literal':
      return [];
    case 'path':
      return [condition.path];
    case 'compare':
      return [...pathsIn(condition.left), ...pathsIn(condition.right)];
    case 'in':
    case 'not':
      return pathsIn(condition.operand);
    case 'call':
    case 'and':
    case 'or':
      return condition.operands.flatMap(pathsIn);
  }
}
