import type { Path } from '../twin/index.ts';

/** A value that conditions can compare. Objects and arrays are not: "comparisons are supported only between primitive types". */
export type Primitive = string | number | boolean | null;

export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/**
 * The functions of conditions, with the number of their arguments. For twins the documentation names `IS_DEFINED` alone, and the others
 * for message routes, in the same language.
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

/** An expression of the query language: what stands after `WHERE`, and each part of it. */
export type Condition =
  | { readonly type: 'literal'; readonly value: Primitive | undefined }
  /** From the top of a twin's document: `['properties', 'desired', 'a']`. */
  | { readonly type: 'path'; readonly path: Path }
  | {
      readonly type: 'compare';
      readonly operator: ComparisonOperator;
      readonly left: Condition;
      readonly right: Condition;
    }
  /** `IN`, or `NIN` where it is negated. */
  | {
      readonly type: 'in';
      readonly negated: boolean;
      readonly operand: Condition;
      readonly values: readonly (Primitive | undefined)[];
    }
  | { readonly type: 'call'; readonly name: FunctionName; readonly operands: readonly Condition[] }
  | { readonly type: 'not'; readonly operand: Condition }
  /** Two or more. Flat, so that a long row of them is no deep tree. */
  | { readonly type: 'and' | 'or'; readonly operands: readonly Condition[] };

/** Every path that a condition looks at, as often as it does. */
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
