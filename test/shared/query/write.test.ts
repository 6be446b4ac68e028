import { describe, expect, it } from 'vitest';
import { type Condition, holds, parseCondition, reservedWords } from '../../../shared/query/index.ts';
import { writeLiteral, writePath } from '../../../shared/query/write.ts';
import { type Json, limitFaults } from '../../../shared/twin/index.ts';
import { fc } from '../../support/arbitraries.ts';

/** Random texts with characters that could end a string or a key of a query too early. */
const hostileTexts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        "'",
        '"',
        '\\',
        ']]',
        '[[',
        ']',
        '[',
        '\\u0027',
        ' OR ',
        '1=1',
        '--',
        '\n',
        '\0',
        'é',
        '💥',
        '\ud800',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('a written path', () => {
  it('has brackets around a key that is not a plain name', () => {
    expect(writePath(['tags', 'a', 'B_9'])).toBe('tags.a.B_9');
    expect(
      writePath(['properties', 'desired', 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration', 'x', 'value']),
    ).toBe('properties.desired.[[ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration]].x.value');
    expect(writePath(['tags', '9', 'a-b', "it's", 'größe'])).toBe("tags.[[9]].[[a-b]].[[it's]].[[größe]]");
  });

  it('has brackets around a key that is a keyword in any case', () => {
    expect(writePath(['tags', 'group', 'Order', 'IS_STRING'])).toBe('tags.[[group]].[[Order]].[[IS_STRING]]');
    for (const word of reservedWords) expect(writePath([word.toLowerCase()])).toBe(`[[${word.toLowerCase()}]]`);
  });

  it('is undefined when a key cannot be written without doubt', () => {
    for (const key of ['', 'a]]b', ']', '[', 'a]', 'a.b', 'a\nb', '\0', '\ud800'])
      expect(writePath(['tags', key])).toBeUndefined();
    expect(writePath([])).toBeUndefined();
  });

  it('is parsed as the same keys', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(hostileTexts, fc.constantFrom('group', '__proto__')), { minLength: 1 }), (keys) => {
        const written = writePath(['tags', ...keys]);
        fc.pre(written !== undefined);
        expect(parseCondition(written)).toEqual({ type: 'path', path: ['tags', ...keys] });
      }),
    );
  });

  it('exists for every valid twin key without brackets', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (key) => {
        fc.pre(limitFaults({ [key]: true }).length === 0 && !/[[\]]/.test(key));
        expect(writePath([key])).toBeDefined();
      }),
    );
  });
});

describe('a written literal', () => {
  it.each([
    ['High', "'High'"],
    ["it's", "'it\\'s'"],
    ['\\', "'\\\\'"],
    ['"', "'\"'"],
    ['\n', "'\\u000a'"],
    ['é💥', "'\\u00e9\\ud83d\\udca5'"],
    [true, 'true'],
    [false, 'false'],
    [2_560_000, '2560000'],
    [-4503599627370496, '-4503599627370496'],
    [-0, '0'],
    [0.5, '0.5'],
    [1e-7, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
    [1e21, '1000000000000000000000'],
    [-1.5e22, '-15000000000000000000000'],
  ])('for %j is %s', (value, text) => {
    expect(writeLiteral(value)).toBe(text);
  });

  it('is undefined for a value that the language cannot compare', () => {
    for (const value of [null, {}, [], ['a'], Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(writeLiteral(value as Json)).toBeUndefined();
    }
  });

  it('is parsed as the same value', () => {
    const values = fc.oneof(
      hostileTexts,
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    fc.assert(
      fc.property(values, (value) => {
        const read = parseCondition(writeLiteral(value) ?? '');
        expect(read).toEqual({ type: 'literal', value: value === 0 ? 0 : value });
        expect(writeLiteral(value)).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a condition from a written path and a written literal', () => {
  it('compares the two and does nothing else', () => {
    fc.assert(
      fc.property(hostileTexts, hostileTexts, (key, value) => {
        const path = writePath(['tags', key]);
        fc.pre(path !== undefined);
        const condition: Condition = parseCondition(`${path} = ${writeLiteral(value)}`);
        expect(condition).toEqual({
          type: 'compare',
          operator: '=',
          left: { type: 'path', path: ['tags', key] },
          right: { type: 'literal', value },
        });
        expect(holds(condition, { tags: Object.fromEntries([[key, value]]) })).toBe(true);
        expect(holds(condition, { tags: Object.fromEntries([[key, `${value}x`]]) })).toBe(false);
      }),
    );
  });
});
