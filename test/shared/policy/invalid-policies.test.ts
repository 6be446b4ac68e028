import { describe, expect, it } from 'vitest';
import { absent, between, exactly, oneOf, toPolicySet } from '../../../shared/policy/index.ts';
import { fc, jsonObject } from '../../support/arbitraries.ts';
import { faultsOf } from './faults-of.ts';

describe('an invalid policy', () => {
  it.each<[string, unknown, string]>([
    ['that is a number', 5, 'policy 1 at '],
    ['that is undefined', undefined, 'policy 1 at '],
    ['that is null', null, 'policy 1 at '],
    ['that is an array', [], 'policy 1 at '],
    ['without a name', { desired: { a: 1 } }, 'policy 1 at name'],
    [
      'with a name that is not kebab-case',
      { name: 'My Policy', desired: { a: 1 } },
      'My Policy at name: must be kebab-case',
    ],
    ['with an unknown field', { name: 'p', desird: { a: 1 } }, 'p at : '],
    ['with an unknown mode', { name: 'p', mode: 'watch', desired: { a: 1 } }, 'p at mode: must be enforce or audit'],
    ['with an invalid module id', { name: 'p', module: 'a b', desired: { a: 1 } }, 'p at module: '],
    [
      'about a module of IoT Edge',
      { name: 'p', module: '$edgeAgent', desired: { a: 1 } },
      'p at module: $edgeAgent belongs to IoT Edge',
    ],
    [
      'with createModule and no module',
      { name: 'p', createModule: true },
      'p at createModule: needs the name of a module',
    ],
    ['with nothing to check', { name: 'p', module: 'm' }, 'p at : has nothing to check'],
    ['with watches and no evaluate', { name: 'p', desired: { a: 1 }, watches: ['tags'] }, 'p at watches: '],
    [
      'that watches an unknown section',
      { name: 'p', evaluate: () => [], watches: ['state'] },
      'p at watches.0: must start with',
    ],
    ['whose desired is a list', { name: 'p', desired: [] }, 'p at desired.: desired must be an object'],
    ['whose desired is a rule', { name: 'p', desired: exactly(1) }, 'p at desired.: desired must be an object'],
    ['with the value null', { name: 'p', desired: { a: null } }, 'p at desired.a: a twin cannot hold null'],
    ['with a function as a value', { name: 'p', desired: { a: () => 1 } }, 'p at desired.a: a function is neither'],
    ['with the value undefined', { name: 'p', desired: { a: undefined } }, 'p at desired.a: undefined is neither'],
    [
      'with a date as a value',
      { name: 'p', desired: { a: new Date(0) } },
      'p at desired.a: "1970-01-01T00:00:00.000Z" is neither',
    ],
    ['with an empty section', { name: 'p', desired: { a: {} } }, 'p at desired.a: the object is empty'],
    ['with an unknown rule', { name: 'p', desired: { a: { $like: 1 } } }, 'p at desired.a: unknown rule "$like"'],
    [
      'with an unknown rule that has $otherwise',
      { name: 'p', desired: { a: { $like: 1, $otherwise: 2 } } },
      'p at desired.a: unknown rule "$like". The rules are $exactly, ',
    ],
    [
      'with two rules at one path',
      { name: 'p', desired: { a: { $exactly: 1, $absent: true } } },
      'p at desired.a: a path must have exactly one rule',
    ],
    [
      'with a rule and a property at one path',
      { name: 'p', desired: { a: { $exactly: 1, b: 2 } } },
      'p at desired.a: a path must have exactly one rule',
    ],
    [
      'with $otherwise in another rule',
      { name: 'p', desired: { a: { $exactly: 1, $otherwise: 2 } } },
      'p at desired.a: $oneOf, $between and $matches need $otherwise',
    ],
    [
      'with $oneOf and no $otherwise',
      { name: 'p', desired: { a: { $oneOf: [1] } } },
      'p at desired.a: $oneOf, $between and $matches need $otherwise',
    ],
    [
      'with only $otherwise',
      { name: 'p', desired: { a: { $otherwise: 1 } } },
      'p at desired.a: a path must have exactly one rule',
    ],
    ['with $absent false', { name: 'p', desired: { a: { $absent: false } } }, 'p at desired.a: $absent takes true'],
    [
      'with $oneOf and no list',
      { name: 'p', desired: { a: { $oneOf: 1, $otherwise: 1 } } },
      'p at desired.a: $oneOf takes a list',
    ],
    [
      'with $between and three numbers',
      { name: 'p', desired: { a: { $between: [1, 2, 3], $otherwise: 1 } } },
      'p at desired.a: $between takes',
    ],
    [
      'with oneOf and no values',
      { name: 'p', desired: { a: oneOf([], { otherwise: 1 }) } },
      'p at desired.a: oneOf needs at least one',
    ],
    [
      'with oneOf and another otherwise',
      { name: 'p', desired: { a: oneOf([1], { otherwise: 2 }) } },
      'p at desired.a: the otherwise of oneOf must be one of [1], not 2',
    ],
    [
      'with between and min greater than max',
      { name: 'p', desired: { a: between(2, 1, { otherwise: 1 }) } },
      'p at desired.a: the min of between, 2, is greater',
    ],
    [
      'with between and otherwise outside the range',
      { name: 'p', desired: { a: between(1, 2, { otherwise: 3 }) } },
      'p at desired.a: the otherwise of between must be a number from 1 to 2, not 3',
    ],
    [
      'with between and a string',
      { name: 'p', desired: { a: between('1' as never, 2, { otherwise: 2 }) } },
      'p at desired.a: the min of between must be a number',
    ],
    [
      'with between and infinity',
      { name: 'p', desired: { a: between(1, Number.POSITIVE_INFINITY, { otherwise: 2 }) } },
      'p at desired.a: the max of between must be a number',
    ],
    ['with a key with a dot', { name: 'p', desired: { 'a.b': 1 } }, 'p at desired.a.b: the key "a.b" contains "."'],
    ['with a key with a #', { name: 'p', desired: { 'a#b': 1 } }, 'p at desired.a#b: the key "a#b" contains "#"'],
    [
      'with a # deep inside a value',
      { name: 'p', desired: { a: exactly({ b: { 'c#': 1 } }) } },
      'p at desired.a: at a.b.c#: the key "c#" contains "#"',
    ],
    [
      'with a long string',
      { name: 'p', desired: { a: 'x'.repeat(4097) } },
      'p at desired.a: the string has 4097 bytes',
    ],
    [
      'with an integer that is too large',
      { name: 'p', desired: { a: 2 ** 53 } },
      'p at desired.a: 9007199254740992 is too large',
    ],
    [
      'with a null deep inside a value',
      { name: 'p', desired: { a: exactly({ b: null }) } },
      'p at desired.a: at a.b: a twin cannot hold null',
    ],
    ['with absent() at an invalid key', { name: 'p', desired: { 'a b': absent() } }, 'p at desired.a b: the key "a b"'],
    [
      'with tags that are too large',
      {
        name: 'p',
        module: 'm',
        createModule: true,
        moduleTags: { a: 'x'.repeat(4000), b: 'x'.repeat(4000), c: 'x'.repeat(300) },
      },
      'p at moduleTags: the tags have 8303 bytes',
    ],
    [
      'with an invalid tag',
      { name: 'p', module: 'm', createModule: true, moduleTags: { a: null } },
      'p at moduleTags.a: a twin cannot hold null',
    ],
    [
      'with a baseline that is too large',
      { name: 'p', desired: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, 'x'.repeat(4000)])) },
      'p at desired: the baseline has 36018 bytes',
    ],
    [
      'with an unknown field in its scope',
      { name: 'p', appliesTo: { device: 'x' }, desired: { a: 1 } },
      'p at appliesTo',
    ],
    [
      'with an empty device id pattern',
      { name: 'p', appliesTo: { deviceId: '' }, desired: { a: 1 } },
      'p at appliesTo',
    ],
  ])('%s is refused with its name and the path of the fault', (_, definition, fault) => {
    expect(faultsOf(definition)).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
  });

  it('is refused together with all other invalid policies, and every fault is listed', () => {
    const faults = faultsOf(
      { name: 'one', mode: 'x', desired: { a: null, b: { $like: 1 }, s: { c: 'x'.repeat(5000) } } },
      { name: 'two', module: 'm', desired: { x: 1 } },
      { name: 'three', module: 'm', desired: { x: 2 } },
      { name: 'two', desired: { z: 1 } },
    );
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'one at mode',
      'one at desired.a',
      'one at desired.b',
      'one at desired.s.c',
      'two at name',
      'three at desired.x',
    ]);
  });

  it('is refused only with a PolicyFaultsError, whatever JSON it holds', () => {
    const definitions = fc.oneof(
      jsonObject,
      jsonObject.map((desired) => ({ name: 'p', desired })),
      fc.jsonValue().map((desired) => ({ name: 'p', desired })),
      fc.dictionary(
        fc.constantFrom('name', 'module', 'mode', 'appliesTo', 'desired', '__proto__', 'watches', 'reported'),
        fc.jsonValue(),
      ),
    );
    fc.assert(
      fc.property(fc.array(definitions, { maxLength: 3 }), (policies) => void faultsOf(...policies)),
      { numRuns: 300 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('is also checked for conflicts with other policies, so that one message lists all faults', () => {
    const first = { name: 'first', module: 'm', desired: { a: 1 } };
    const invalid = {
      name: 'invalid',
      module: 'm',
      desired: { a: 2 },
      colour: 'red',
      appliesTo: { tagz: 1, edge: 'no' },
    };
    const large = { name: 'first', module: 'm', desired: { a: 3, b: Array(20).fill('x'.repeat(2000)) } };
    const check = () => toPolicySet([first, invalid as never, large], { mode: 'enforce' });
    expect(check).toThrow(/invalid: .*colour/);
    expect(check).toThrow(/invalid at appliesTo: .*tagz/);
    expect(check).toThrow(/invalid at appliesTo\.edge/);
    expect(check).toThrow(/invalid at desired\.a: wants exactly\(2\), but the policy first wants exactly\(1\)/);
    expect(check).toThrow(/first at desired: the baseline has/);
    expect(check).toThrow(/first at name: another policy already has this name/);
  });
});
