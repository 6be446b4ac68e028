import { describe, expect, it } from 'vitest';
import { faultsOf } from './faults-of.ts';

/** A tag in objects in objects, with this number of levels of objects. */
const nested = (levels: number): object => ({ a: levels === 0 ? 1 : nested(levels - 1) });

describe('a scope that can match no device', () => {
  it.each<[string, object, string, string]>([
    [
      'an operator for one of several values',
      { tags: { env: { $oneOf: ['a', 'b'] } } },
      'tags.env.$oneOf',
      '$oneOf is not an operator of a scope. For one of several values, write a list: {"env":["a","b"]}',
    ],
    ['an operator beside a tag', { tags: { $in: ['a'] } }, 'tags.$in', '$in is not an operator'],
    [
      'an operator to leave out devices',
      { tags: { env: { $ne: 'test' } } },
      'tags.env.$ne',
      'use "not": {"not":{"tags":{"env":["a","b"]}}}',
    ],
    [
      'a key with dots',
      { tags: { 'location.plant': 'EU' } },
      'tags.location.plant',
      'no tag has a dot in its key. Write an object in an object: {"location":{"plant":"…"}}',
    ],
    ['null', { tags: { retired: null } }, 'tags.retired', 'no tag is null. To leave out devices by this tag'],
    ['null in a list', { tags: { a: { b: ['x', null] } } }, 'tags.a.b', 'no tag is null'],
    ['an empty list', { tags: { env: [] } }, 'tags.env', 'the list is empty'],
    ['a key that no twin can have', { tags: { 'a b': 1 } }, 'tags.a b', 'contains " "'],
    ['a number that no twin can have', { tags: { a: 2 ** 60 } }, 'tags.a', 'is too large'],
    ['eleven levels of objects', { tags: nested(11) }, `tags${'.a'.repeat(11)}`, 'at most 10 levels'],
    ['an id with a space', { deviceId: 'plant 1' }, 'deviceId', '"plant 1" has a character that no device id can have'],
    ['a pattern with a slash in a list', { deviceId: ['a', 'b/*'] }, 'deviceId.1', 'has a character'],
    ['a pattern that is too long', { deviceId: `*${'a'.repeat(129)}` }, 'deviceId', 'has 129 characters'],
    ['all devices to leave out', { not: {} }, 'not', 'leaves out every device of the scope'],
    ['all ids to leave out', { not: { deviceId: '*' } }, 'not', 'leaves out every device'],
    [
      'its own devices to leave out',
      {
        edge: true,
        deviceId: 'plant-1*',
        tags: { env: 'a' },
        not: [{ edge: false }, { deviceId: 'plant-*', edge: true }],
      },
      'not.1',
      'leaves out every device of the scope',
    ],
    ['an operator in not', { not: { tags: { env: { $in: ['a'] } } } }, 'not.tags.env.$in', '$in is not an operator'],
    ['not in not', { not: { not: { edge: true } } }, 'not', ''],
    ['an empty list of ids', { deviceId: [] }, 'deviceId', ''],
  ])('is refused with the way to say it: %s', (_, appliesTo, path, message) => {
    const faults = faultsOf({ name: 'p', desired: { a: 1 }, appliesTo });
    expect(faults).toEqual([expect.stringContaining(`p at appliesTo.${path}: `)]);
    expect(faults[0]).toContain(message);
  });

  it.each<[string, object]>([
    ['lists', { tags: { env: ['a', 1, { b: 'c' }, ['list']] }, deviceId: ['a', 'b*'] }],
    ['parts to leave out', { edge: true, not: { edge: true, tags: { retired: true } } }],
    ['a list of parts to leave out', { deviceId: 'a*', not: [{ deviceId: 'a1' }, { tags: { env: ['x'] } }] }],
    ['an empty object as a tag', { tags: { location: {} } }],
    ['an escaped asterisk', { deviceId: 'a\\*b' }],
    ['no part', {}],
    ['ten levels of objects', { tags: nested(10) }],
  ])('is not one with %s', (_, appliesTo) => {
    expect(faultsOf({ name: 'p', desired: { a: 1 }, appliesTo })).toEqual([]);
  });
});
