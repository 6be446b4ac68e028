import { describe, expect, it } from 'vitest';
import {
  absent,
  atLeast,
  atMost,
  byDefault,
  duration,
  matches,
  oneOf,
  optional,
} from '../../../shared/policy/index.ts';
import { faultsOf } from './faults-of.ts';

describe('an invalid rule', () => {
  it.each<[string, unknown, string]>([
    ['atLeast without a number', atLeast('5' as never), 'the min of atLeast must be a number, not "5"'],
    ['atLeast with infinity', atLeast(Number.NEGATIVE_INFINITY), 'the min of atLeast must be a number'],
    [
      'atLeast with a smaller otherwise',
      atLeast(5, { otherwise: 4 }),
      'the otherwise of atLeast must be a number of 5 or more, not 4',
    ],
    [
      'atMost with a greater otherwise',
      atMost(5, { otherwise: 6 }),
      'the otherwise of atMost must be a number of 5 or less, not 6',
    ],
    ['atMost with a value that no twin can hold', atMost(2 ** 60), '1152921504606847000 is too large'],
    ['matches with a regular expression', matches(/a/ as never, { otherwise: 'a' }), 'matches takes a pattern such as'],
    [
      'matches with another otherwise',
      matches('eth*', { otherwise: 'lan0' }),
      'the otherwise of matches must match "eth*", and "lan0" does not',
    ],
    ['$matches without $otherwise', { $matches: 'eth*' }, '$oneOf, $between and $matches need $otherwise'],
    ['duration of something else', duration('1 hour'), 'must be an ISO 8601 duration such as "PT1H"'],
    ['duration of a month', duration('P1M'), 'without years and months, not "P1M"'],
    ['duration without bounds', duration({}), 'duration takes a duration, or atLeast and atMost, not {}'],
    ['duration with an unknown bound', { $duration: { min: 'PT1H' } }, 'not {"min":"PT1H"}'],
    ['$duration of a number', { $duration: 5 }, '$duration takes a duration, or atLeast and atMost, not 5'],
    [
      'duration with two bounds and no otherwise',
      duration({ atLeast: 'PT1M', atMost: 'PT1H' }),
      'needs otherwise where it has both',
    ],
    [
      'duration with bounds in the wrong order',
      duration({ atLeast: 'PT1H', atMost: 'PT1M' }, { otherwise: 'PT5M' }),
      'the atLeast of duration, "PT1H", is longer than its atMost',
    ],
    [
      'duration with an otherwise outside its bounds',
      duration({ atMost: 'PT1M' }, { otherwise: 'PT2M' }),
      'the otherwise of duration must keep to its bounds, and "PT2M" does not',
    ],
    ['optional with absent', optional(absent()), 'optional cannot contain absent'],
    ['optional with byDefault', optional(byDefault(1)), 'optional cannot contain byDefault'],
    ['optional with optional', { $optional: { $optional: 1 } }, 'optional cannot contain optional'],
    ['optional with an invalid rule', optional(atLeast(5, { otherwise: 4 })), 'the otherwise of atLeast'],
    ['optional with an unknown rule', { $optional: { $like: 1 } }, 'unknown rule "$like"'],
    ['optional with a rule in an object', optional({ b: atLeast(5) } as never), 'its value contains a rule'],
    ['a list with a rule', [1, atLeast(5)], 'exactly takes a plain value, and its value contains a rule'],
    ['oneOf with a rule', oneOf([1, { b: absent() } as never], { otherwise: 1 }), 'oneOf takes a plain value'],
    ['optional with a value that no twin can hold', optional({ a: null }), 'at a.a: a twin cannot hold null'],
  ])('%s is refused with the reason', (_, rule, fault) => {
    expect(faultsOf({ name: 'p', desired: { a: rule } })).toEqual([expect.stringContaining(fault)]);
  });
});
