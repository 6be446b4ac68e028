import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Condition,
  parseCondition,
  parseQuery,
  parseTargetCondition,
  QuerySyntaxError,
} from '../../../shared/query/index.ts';

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
  ] as const)('is parsed: %s', ([text, expected]) => {
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
    ['SELECT deviceId, COUNT() FROM devices', 'a query with COUNT() or GROUP BY can select deviceId only'],
    ['SELECT * FROM devices GROUP BY tags.a', 'SELECT * cannot have GROUP BY'],
    ['SELECT tags.b FROM devices GROUP BY tags.a', 'can select tags.b only when it is in GROUP BY'],
  ] as const)('with a syntax error is refused: %s', ([text, fault]) => {
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
  ] as const)('is parsed: "%s"', ([text, expected]) => {
    expect(parseTargetCondition(text)).toEqual(expected);
  });

  test.for(['* AND tags.a = 1', 'FROM devices.modules tags.a = 1', 'SELECT * FROM devices', 'tags.a ='])(
    'with a syntax error is refused: "%s"',
    (text) => {
      expect(() => parseTargetCondition(text)).toThrow(QuerySyntaxError);
    },
  );
});

describe('any text', () => {
  test('is parsed or refused with a QuerySyntaxError', () => {
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
});
