/**
 * Random conditions and their texts, random documents of twins, and a second evaluator of conditions. The second evaluator is slow and
 * simple. It was written from the documentation, and the tests use it as a reference.
 *
 * @module
 */
import fc from 'fast-check';
import type { Condition, Primitive } from '../../../shared/query/index.ts';
import type { Json, JsonObject } from '../../../shared/twin/index.ts';
import { jsonObject } from '../../infra/local/hub/arbitraries.ts';

const keys = fc.constantFrom(
  'a',
  'b',
  'constructor',
  '__proto__',
  'ms_iotn:urn',
  'has space',
  'in',
  'ends]',
  '$version',
);
const strings = fc.oneof(
  fc.constantFrom('', 'High', 'Hi', "it's", '\\', '\n', '"', ';', '[[x]]'),
  fc.string({ maxLength: 4 }),
);
const primitives: fc.Arbitrary<Primitive> = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.boolean(),
  fc.constant(null),
  strings,
);
const paths = fc.oneof(
  fc.constant(['deviceId']),
  fc.array(keys, { minLength: 1, maxLength: 3 }).map((path) => ['properties', 'desired', ...path]),
  keys.map((key) => ['tags', key]),
);

const { condition: conditions } = fc.letrec<{ condition: Condition; operand: Condition; truth: Condition }>((tie) => ({
  operand: fc.oneof(
    { weight: 3, arbitrary: paths.map((path): Condition => ({ type: 'path', path })) },
    fc.oneof(primitives, fc.constant(undefined)).map((value): Condition => ({ type: 'literal', value })),
    tie('truth'),
  ),
  truth: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    paths.map((path): Condition => ({ type: 'call', name: 'IS_DEFINED', operands: [{ type: 'path', path }] })),
    fc.record({
      type: fc.constant('compare' as const),
      operator: fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      left: tie('operand'),
      right: tie('operand'),
    }),
    fc.record({
      type: fc.constant('in' as const),
      negated: fc.boolean(),
      operand: tie('operand'),
      values: fc.array(primitives, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      type: fc.constant('call' as const),
      name: fc.constantFrom('IS_NULL', 'IS_STRING', 'IS_NUMBER', 'IS_BOOL', 'IS_OBJECT', 'IS_ARRAY', 'IS_PRIMITIVE'),
      operands: fc.tuple(tie('operand')),
    }),
    fc.record({
      type: fc.constant('call' as const),
      name: fc.constantFrom('STARTSWITH', 'ENDSWITH', 'CONTAINS'),
      operands: fc.tuple(tie('operand'), tie('operand')),
    }),
    fc.record({ type: fc.constant('not' as const), operand: tie('condition') }),
    fc.record({
      type: fc.constantFrom('and', 'or'),
      operands: fc.array(tie('condition'), { minLength: 2, maxLength: 4 }),
    }),
  ),
  condition: fc.oneof({ weight: 9, arbitrary: tie('truth') }, tie('operand')),
}));

export { conditions };

const clean = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

/** Random JSON documents of twins. They use the same keys and values as the random conditions, so that conditions are often true. */
export const documents: fc.Arbitrary<JsonObject> = fc
  .record({
    deviceId: strings,
    tags: fc.dictionary(keys, primitives, { maxKeys: 3 }),
    properties: fc.record({
      desired: fc.oneof(jsonObject, fc.dictionary(keys, fc.oneof(primitives, fc.dictionary(keys, primitives)))),
    }),
  })
  .map((document) => clean(document as JsonObject));

/** Writes a condition as text. `random` chooses spaces, brackets, quotes, and upper or lower case of keywords. */
export function textOf(condition: Condition, random: () => boolean): string {
  const inner = (part: Condition) => {
    const text = textOf(part, random);
    return part.type === 'literal' || part.type === 'path' || part.type === 'call' ? text : `(${text})`;
  };
  const word = (keyword: string) => (random() ? keyword : keyword.toLowerCase());
  switch (condition.type) {
    case 'literal':
      return literalText(condition.value, random);
    case 'path':
      return pathText(condition.path, random);
    case 'compare': {
      const operator = condition.operator === '!=' && random() ? '<>' : condition.operator;
      const space = random() ? ' ' : '\n\t';
      return `${inner(condition.left)}${space}${operator}${space}${inner(condition.right)}`;
    }
    case 'in': {
      const list = condition.values.map((value) => literalText(value, random)).join(random() ? ',' : ' , ');
      return `${inner(condition.operand)} ${word(condition.negated ? 'NIN' : 'IN')} [${list}]`;
    }
    case 'call':
      return `${word(condition.name)}(${condition.operands.map((part) => textOf(part, random)).join(', ')})`;
    case 'not': {
      const { operand } = condition;
      // A comparison binds more tightly than `NOT`, so brackets around the comparison are not needed.
      const needsNoBrackets = operand.type === 'compare' || operand.type === 'in' || operand.type === 'not';
      return `${word('NOT')} ${needsNoBrackets && random() ? textOf(operand, random) : inner(operand)}`;
    }
    case 'and':
    case 'or':
      return condition.operands
        .map((part) =>
          bindingStrength(part) > bindingStrength(condition) && random() ? textOf(part, random) : inner(part),
        )
        .join(` ${word(condition.type.toUpperCase())} `);
  }
}

/** A number for how tightly the outermost operator of a condition binds. A higher number binds more tightly. */
function bindingStrength({ type }: Condition): number {
  return ['or', 'and', 'not', 'in', 'compare', 'call', 'path', 'literal'].indexOf(type);
}

function pathText([top = '', ...keys]: readonly string[], random: () => boolean): string {
  const plain = (key: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key);
  const prefix = random() ? '' : random() ? 'devices.' : 'devices.modules.';
  return prefix + [top, ...keys.map((key) => (plain(key) && random() ? key : `[[${key}]]`))].join('.');
}

function literalText(value: Primitive | undefined, random: () => boolean): string {
  if (typeof value === 'string') {
    const quote = random() ? "'" : '"';
    const escaped = value.replace(/['"\\]/g, (found) =>
      found === quote || found === '\\' || random() ? `\\${found}` : found,
    );
    return `${quote}${escaped.replace(/[^ -~]/g, (unit) => (random() ? unit : codeOf(unit)))}${quote}`;
  }
  return value === undefined ? 'undefined' : String(value);
}

function codeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

type Value = Json | undefined;
const kind = (value: Value): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** The value of a condition for the document of a twin, by the reference evaluator. Each `case` is one rule of the documentation. */
export function meaning(condition: Condition, document: JsonObject): Value {
  const evaluate = (part: Condition) => meaning(part, document);
  const asTruth = (value: Value) => (value === true || value === false ? value : undefined);
  switch (condition.type) {
    case 'literal':
      return condition.value;
    case 'path': {
      let value: Value = document;
      for (const key of condition.path) {
        value =
          kind(value) === 'object'
            ? Object.entries(value as JsonObject).find(([name]) => name === key)?.[1]
            : undefined;
      }
      return value;
    }
    case 'compare': {
      const [left, right] = [evaluate(condition.left), evaluate(condition.right)];
      const kinds = ['string', 'number', 'boolean', 'null'];
      if (kind(left) !== kind(right) || !kinds.includes(kind(left))) return undefined;
      const [a, b] = [left, right] as [string, string];
      const less = a < b;
      const equal = a === b;
      return {
        '=': equal,
        '!=': !equal,
        '<': less,
        '<=': less || equal,
        '>': !less && !equal,
        '>=': !less,
      }[condition.operator];
    }
    case 'in': {
      const alternatives = condition.values.map(
        (value): Condition => ({
          type: 'compare',
          operator: '=',
          left: condition.operand,
          right: { type: 'literal', value },
        }),
      );
      const either: Condition = { type: 'or', operands: alternatives };
      return evaluate(condition.negated ? { type: 'not', operand: either } : either);
    }
    case 'not': {
      const truth = asTruth(evaluate(condition.operand));
      return truth === undefined ? undefined : !truth;
    }
    case 'and': {
      const truths = condition.operands.map(evaluate).map(asTruth);
      if (truths.includes(false)) return false;
      return truths.includes(undefined) ? undefined : true;
    }
    case 'or': {
      const truths = condition.operands.map(evaluate).map(asTruth);
      if (truths.includes(true)) return true;
      return truths.includes(undefined) ? undefined : false;
    }
    case 'call': {
      const [first, second] = condition.operands.map(evaluate);
      const is = kind(first);
      const texts = is === 'string' && kind(second) === 'string';
      const [whole, part] = texts ? [first as string, second as string] : ['', ''];
      return {
        IS_DEFINED: is !== 'undefined',
        IS_NULL: is === 'null',
        IS_STRING: is === 'string',
        IS_NUMBER: is === 'number',
        IS_BOOL: is === 'boolean',
        IS_OBJECT: is === 'object',
        IS_ARRAY: is === 'array',
        IS_PRIMITIVE: ['string', 'number', 'boolean', 'null'].includes(is),
        STARTSWITH: texts ? whole.slice(0, part.length) === part : undefined,
        ENDSWITH: texts ? part === '' || whole.slice(-part.length) === part : undefined,
        CONTAINS: texts ? whole.split(part).length > 1 || part === '' : undefined,
      }[condition.name];
    }
  }
}
