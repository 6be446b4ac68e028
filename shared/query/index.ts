/**
 * IoT Hub finds twins with an SQL-like query language. The parser reads a query or a condition into a tree, the evaluator tests the
 * JSON document of a twin against that tree, and the writer puts paths and values into the text of a query. The code here is pure.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 *
 * @module
 */
export { type ComparisonOperator, type Condition, type FunctionName, type Primitive, pathsIn } from './condition.ts';
export { holds, predicateOf, valueAt } from './evaluate.ts';
export { parseCondition, parseQuery, parseTargetCondition, type TargetCondition } from './parse.ts';
export { isAggregate, type Query, type Selected, type Source } from './query.ts';
export { QuerySyntaxError } from './query-syntax-error.ts';
export { reservedWords } from './token-reader.ts';
export { maxQueryLength } from './tokenize.ts';
export { writeLiteral, writePath } from './write.ts';
