/**
 * IoT Hub has an SQL-like query language that finds twins. In this folder, the parser turns the text of a query or a condition into a
 * tree. The evaluator tests the JSON document of a twin against that tree. The writer writes paths and values as text for a query. The
 * functions here are pure: they do no I/O.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 *
 * @module
 */
export {
  type ComparisonOperator,
  type Condition,
  type FunctionName,
  functionsIn,
  type Primitive,
  pathsIn,
} from './condition.ts';
export { holds, predicateOf, valueAt } from './evaluate.ts';
export { parseCondition, parseQuery, parseTargetCondition, type TargetCondition } from './parse.ts';
export { isAggregate, type Query, type Selected, type Source } from './query.ts';
export { QuerySyntaxError } from './query-syntax-error.ts';
export { reservedWords } from './token-reader.ts';
export { maxQueryLength } from './tokenize.ts';
export { writeLiteral, writePath } from './write.ts';
