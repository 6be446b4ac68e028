import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  holds,
  maxQueryLength,
  parseCondition,
  pathsIn,
  predicateOf,
  QuerySyntaxError,
} from '../../../shared/query/index.ts';
import { conditions, documents, meaning, textOf } from './conditions.ts';

const bits = fc.infiniteStream(fc.boolean());

/** Random conditions, each as a tree and as the text of a query. */
const conditionTexts = fc
  .tuple(conditions, bits)
  .map(([condition, random]) => ({ condition, text: textOf(condition, () => random.next().value as boolean) }))
  .filter(({ text }) => text.length <= maxQueryLength);

describe('a condition', () => {
  test('has the same value as the reference evaluator gives', () => {
    fc.assert(
      fc.property(conditionTexts, fc.array(documents, { minLength: 1, maxLength: 5 }), ({ condition, text }, twins) => {
        const parsed = parseCondition(text);
        const matches = predicateOf(parsed);
        for (const twin of twins) {
          const expected = meaning(condition, twin) === true;
          expect(holds(parsed, twin)).toBe(expected);
          expect(matches(twin)).toBe(expected);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('has the paths of its text', () => {
    fc.assert(
      fc.property(conditionTexts, ({ condition, text }) => {
        expect(pathsIn(parseCondition(text))).toEqual(pathsIn(condition));
      }),
    );
  });

  const twin = {
    deviceId: 'd',
    moduleId: 'm',
    tags: { a: 1, b: 'x', nothing: null, from: 2, größe: 3 },
    properties: { desired: { $version: 4, 'ms_iotn:urn': { value: 'High' }, list: [1], group: {} } },
    capabilities: { iotEdge: false },
  };

  test.for([
    ['tags.a = 1 OR tags.a = 2 AND tags.b = "y"', true],
    ['(tags.a = 1 OR tags.a = 2) AND tags.b = "y"', false],
    ['NOT tags.a = 2 AND tags.b = "y"', false],
    ['not (tags.a = 2 and tags.b = "y")', true],
    ["properties.desired.[[ms_iotn:urn]].value IN ['Low', 'High']", true],
    ["properties.desired.[[ms_iotn:urn]].value NIN ['Low', 'High']", false],
    ['properties.desired.$version >= 4', true],
    ['devices.modules.moduleId = "m" AND devices.deviceId = \'d\' AND DEVICEID = "d"', true],
    ['capabilities.iotEdge = false', true],
    ['tags.from = 2 AND tags.größe = 0x3', true],
    ['-1.5e0 < -1', true],
    ["tags.b = '\\u0078'", true],
    ['tags.a <> 2', true],
    ['properties.desired.list = properties.desired.list', false],
    ['properties.desired.group = properties.desired.group', false],
    ['tags.a != "1"', false],
    ['NOT tags.a = "1"', false],
    ['tags.missing != 1', false],
    ['NOT IS_DEFINED(tags.missing) AND is_defined(tags.nothing)', true],
    ['IS_NULL(tags.missing)', false],
    ['tags.nothing = null AND IS_NULL(tags.nothing) AND IS_PRIMITIVE(tags.nothing)', true],
    ['tags.missing = undefined', false],
    ['false AND tags.missing = 1', false],
    ['NOT (false AND tags.missing = 1)', true],
    ['true OR tags.missing = 1', true],
    ['NOT (true AND tags.missing = 1)', false],
    ['tags.a IN ["x", 1]', true],
    ['tags.a NIN ["x", 2]', false],
    ['starts_with(tags.b, "x") AND ENDSWITH(tags.b, "") AND CONTAINS(tags.b, "x")', true],
    ['STARTSWITH(tags.a, "1")', false],
    ['tags.constructor = 1 OR IS_DEFINED(tags.toString) OR IS_DEFINED(properties.desired.list.length)', false],
    ['tags.a', false],
    ['true', true],
  ] as const)('%s holds for the twin: %s', ([text, expected]) => {
    expect(holds(parseCondition(text), twin)).toBe(expected);
  });

  test.for([
    ['', 0, 'a path, a value, a function or NOT, not the end'],
    ['tags.a =', 8, 'not the end'],
    ['tags.a = 1 tags.b = 2', 11, "expected AND, OR, or the end, not 'tags'"],
    ['tags.a = 1 = 1', 11, "expected AND, OR, or the end, not '='"],
    ['tags. = 1', 6, "a key after the '.'"],
    ['tags.a-b = 1', 6, "unexpected '-'"],
    ["tags.a = 'open", 9, "the string has no closing '"],
    ['tags.[[open] = 1', 5, 'the key has no closing ]]'],
    ["tags.a = '\\n'", 10, '\\n is not an escape'],
    ['tags.a = 1e999', 9, 'the number 1e999 is too large'],
    ['tags.a NOT IN [1]', 7, 'NIN'],
    ["tags.a IN ('x')", 10, "expected '['"],
    ['tags.a IN []', 11, 'a string, a number, true, false or null'],
    ['tags.a IN [tags.b]', 11, 'a string, a number, true, false or null'],
    ['LOWER(tags.a) = "x"', 0, 'LOWER is not a function'],
    ['constructor(tags.a)', 0, 'constructor is not a function'],
    ['IS_DEFINED(1)', 11, 'a path such as'],
    ['IS_DEFINED(tags.a, tags.b)', 17, "expected ')'"],
    ['CONTAINS(tags.a)', 15, "expected ','"],
    ['(tags.a = 1', 11, "expected ')', not the end"],
    ['select = 1', 0, "not 'select'"],
  ] as const)('with a syntax error is refused with the position: %s', ([text, position, fault]) => {
    let thrown: unknown;
    try {
      parseCondition(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(QuerySyntaxError);
    expect(thrown).toMatchObject({ position, message: expect.stringContaining(fault) });
  });

  test.for([
    ['parentheses', `${'('.repeat(4000)}true${')'.repeat(4000)}`, 101],
    ['NOT', `${'NOT '.repeat(2000)}true`, 404],
    ['calls', `${'IS_NULL('.repeat(1000)}true${')'.repeat(100)}`, 808],
  ] as const)('with too many nested levels of %s is refused', ([, text, position]) => {
    expect(() => parseCondition(text)).toThrow(
      expect.objectContaining({ name: 'QuerySyntaxError', position, message: expect.stringContaining('100 levels') }),
    );
  });

  test('may have at most 8192 characters', () => {
    const text = 'true'.padEnd(maxQueryLength);
    expect(parseCondition(text)).toEqual({ type: 'literal', value: true });
    expect(() => parseCondition(`${text} `)).toThrow('the query has 8193 characters. A query can have at most 8192');
  });

  test('may have a thousand operands of AND, which do not count as levels', () => {
    const text = Array.from({ length: 1000 }, () => 'true')
      .join(' AND ')
      .slice(0, maxQueryLength - 4);
    expect(holds(parseCondition(`${text.slice(0, text.lastIndexOf(' AND '))}`), {})).toBe(true);
  });
});
