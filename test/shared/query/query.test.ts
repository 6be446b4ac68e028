import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Condition,
  holds,
  maxQueryLength,
  parseCondition,
  parseQuery,
  parseTargetCondition,
  pathsIn,
  predicateOf,
  QuerySyntaxError,
} from '../../../shared/query/index.ts';
import { conditions, documents, meaning, textOf } from './conditions.ts';

const bits = fc.infiniteStream(fc.boolean());
const written = fc
  .tuple(conditions, bits)
  .map(([condition, random]) => ({ condition, text: textOf(condition, () => random.next().value as boolean) }))
  .filter(({ text }) => text.length <= maxQueryLength);

describe('a condition', () => {
  test('means for each twin what a plain reading of it means', () => {
    fc.assert(
      fc.property(written, fc.array(documents, { minLength: 1, maxLength: 5 }), ({ condition, text }, twins) => {
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

  test('is made of the paths that are written in it', () => {
    fc.assert(
      fc.property(written, ({ condition, text }) => {
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
  ] as const)('%s: %s', ([text, expected]) => {
    expect(holds(parseCondition(text), twin)).toBe(expected);
  });

  test.for([
    ['', 0, 'a path, a value, a function or NOT, not the end'],
    ['tags.a =', 8, 'not the end'],
    ['tags.a = 1 tags.b = 2', 11, "expected AND, OR, or the end, not 'tags'"],
    ['tags.a = 1 = 1', 11, "expected AND, OR, or the end, not '='"],
    ['tags. = 1', 6, "a key after the '.'"],
    ['tags.a-b = 1', 6, "'-' has no meaning here"],
    ["tags.a = 'open", 9, "a string that no ' ends"],
    ['tags.[[open] = 1', 5, 'a key that no ]] ends'],
    ["tags.a = '\\n'", 10, '\\n is no escape'],
    ['tags.a = 1e999', 9, '1e999 is too large'],
    ['tags.a NOT IN [1]', 7, 'NIN'],
    ["tags.a IN ('x')", 10, "expected '['"],
    ['tags.a IN []', 11, 'a string, a number, true, false or null'],
    ['tags.a IN [tags.b]', 11, 'a string, a number, true, false or null'],
    ['LOWER(tags.a) = "x"', 0, 'LOWER is no function here'],
    ['constructor(tags.a)', 0, 'constructor is no function here'],
    ['IS_DEFINED(1)', 11, 'a path such as'],
    ['IS_DEFINED(tags.a, tags.b)', 17, "expected ')'"],
    ['CONTAINS(tags.a)', 15, "expected ','"],
    ['(tags.a = 1', 11, "expected ')', not the end"],
    ['select = 1', 0, "not 'select'"],
  ] as const)('that is none is refused, and where: %s', ([text, position, fault]) => {
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
  ] as const)('that is nested too deep with %s is refused', ([, text, position]) => {
    expect(() => parseCondition(text)).toThrow(
      expect.objectContaining({ name: 'QuerySyntaxError', position, message: expect.stringContaining('100 levels') }),
    );
  });

  test('may have 8192 characters', () => {
    const text = 'true'.padEnd(maxQueryLength);
    expect(parseCondition(text)).toEqual({ type: 'literal', value: true });
    expect(() => parseCondition(`${text} `)).toThrow('8193 characters, and a query may have 8192');
  });

  test('is read or refused, whatever the text', () => {
    const pieces = fc.constantFrom(
      ...[
        'tags',
        '.',
        'a',
        '[[',
        ']]',
        "'",
        '"',
        '\\',
        '(',
        ')',
        '[',
        ']',
        ',',
        '=',
        '<',
        '>',
        '!',
        ' ',
        '1',
        '-',
        'e',
      ],
      ...[
        'AND',
        'OR',
        'NOT ',
        'IN',
        'SELECT ',
        ' FROM ',
        'devices',
        '*',
        'COUNT()',
        ' WHERE ',
        'GROUP BY',
        '\u{1f600}',
        '',
      ],
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        for (const parse of [parseCondition, parseQuery, parseTargetCondition]) {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(QuerySyntaxError);
          }
        }
      }),
    );
  });

  test('in a row of a thousand parts is no deep one', () => {
    const text = Array.from({ length: 1000 }, () => 'true')
      .join(' AND ')
      .slice(0, maxQueryLength - 4);
    expect(holds(parseCondition(`${text.slice(0, text.lastIndexOf(' AND '))}`), {})).toBe(true);
  });
});

describe('a query', () => {
  const a1: Condition = {
    type: 'compare',
    operator: '=',
    left: { type: 'path', path: ['tags', 'a'] },
    right: { type: 'literal', value: 1 },
  };

  test.for([
    ['SELECT * FROM devices', { select: '*', source: 'devices' }],
    ['select  *\nfrom Devices.Modules where tags.a = 1 ;', { select: '*', source: 'devices.modules', where: a1 }],
    ['SELECT TOP 5 * FROM devices', { top: 5, select: '*', source: 'devices' }],
    ['SELECT TOP(5) * FROM devices', { top: 5, select: '*', source: 'devices' }],
    [
      'SELECT DeviceID, properties.desired.[[a b]] , tags.a AS mine FROM devices',
      {
        select: [
          { type: 'value', key: 'DeviceID', path: ['deviceId'] },
          { type: 'value', key: 'a b', path: ['properties', 'desired', 'a b'] },
          { type: 'value', key: 'mine', path: ['tags', 'a'] },
        ],
        source: 'devices',
      },
    ],
    ['SELECT COUNT() as n FROM devices', { select: [{ type: 'count', key: 'n' }], source: 'devices' }],
    [
      'SELECT tags.a, COUNT() AS n FROM devices WHERE tags.a = 1 GROUP BY tags.a',
      {
        select: [
          { type: 'value', key: 'a', path: ['tags', 'a'] },
          { type: 'count', key: 'n' },
        ],
        source: 'devices',
        where: a1,
        groupBy: [['tags', 'a']],
      },
    ],
  ] as const)('is read: %s', ([text, expected]) => {
    expect(parseQuery(text)).toEqual(expected);
  });

  test.for([
    ['DROP TABLE devices', 'expected SELECT'],
    ['SELECT FROM devices', "a path such as properties.desired.x, not 'FROM'"],
    ['SELECT * FROM devices.jobs', "expected modules, not 'jobs'"],
    ['SELECT * FROM nothing', 'expected devices or devices.modules'],
    ['SELECT * FROM devices WHERE', 'not the end'],
    ['SELECT * FROM devices ORDER BY deviceId', "expected WHERE, GROUP BY or the end, not 'ORDER'"],
    ['SELECT *, deviceId FROM devices', "expected FROM, not ','"],
    ['SELECT TOP 0 * FROM devices', 'a number of results, 1 or more'],
    ['SELECT TOP 1.5 * FROM devices', 'a number of results, 1 or more'],
    ['SELECT COUNT(*) FROM devices', "expected ')', not '*'"],
    ['SELECT deviceId, COUNT() FROM devices', 'deviceId is selected beside a COUNT()'],
    ['SELECT * FROM devices GROUP BY tags.a', 'SELECT * cannot be grouped'],
    ['SELECT tags.b FROM devices GROUP BY tags.a', 'tags.b is selected'],
  ] as const)('that is none is refused: %s', ([text, fault]) => {
    expect(() => parseQuery(text)).toThrow(expect.objectContaining({ message: expect.stringContaining(fault) }));
  });
});

describe('the target condition of an automatic configuration', () => {
  const tagged = parseCondition("tags.building = '9'");

  test.for([
    ['', { source: 'devices', condition: 'none' }],
    [' ', { source: 'devices', condition: 'none' }],
    ['*', { source: 'devices', condition: 'all' }],
    ["tags.building = '9'", { source: 'devices', condition: tagged }],
    ["from devices.modules where tags.building='9'", { source: 'devices.modules', condition: tagged }],
    ['FROM devices.modules', { source: 'devices.modules', condition: 'all' }],
    ['FROM devices.modules WHERE *', { source: 'devices.modules', condition: 'all' }],
  ] as const)('"%s"', ([text, expected]) => {
    expect(parseTargetCondition(text)).toEqual(expected);
  });

  test.for(['* AND tags.a = 1', 'FROM devices.modules tags.a = 1', 'SELECT * FROM devices', 'tags.a ='])(
    '"%s" is none',
    (text) => {
      expect(() => parseTargetCondition(text)).toThrow(QuerySyntaxError);
    },
  );
});
