import { describe, expect, it } from 'vitest';
import { describeRule } from '../../../functions/api/describe-rule.ts';
import {
  absent,
  atLeast,
  atMost,
  between,
  byDefault,
  duration,
  exactly,
  matches,
  oneOf,
  optional,
} from '../../../shared/policy/index.ts';

describe('the description of a rule', () => {
  it('names the allowed values, and is cut when they are long', () => {
    expect(
      [exactly('x'), byDefault(1), oneOf(['a', 2], { otherwise: 2 }), between(1, 9, { otherwise: 5 }), absent()].map(
        describeRule,
      ),
    ).toEqual(['exactly "x"', '1 unless set otherwise', 'one of "a", 2', 'from 1 to 9', 'absent']);
    expect(
      [
        atLeast(256),
        atMost(7, { otherwise: 5 }),
        matches('eth*', { otherwise: 'eth0' }),
        duration('PT1H'),
        duration({ atMost: 'PT1H' }),
        duration({ atLeast: 'PT1M' }),
        duration({ atLeast: 'PT1M', atMost: 'PT1H' }, { otherwise: 'PT5M' }),
        optional(between(1, 2, { otherwise: 1 })),
      ].map(describeRule),
    ).toEqual([
      '256 or more',
      '7 or less',
      'matches "eth*"',
      'as long as PT1H',
      'PT1H or shorter',
      'PT1M or longer',
      'from PT1M to PT1H',
      'absent, or from 1 to 2',
    ]);
    expect(describeRule(exactly('x'.repeat(5000))).length).toBeLessThan(300);
  });
});
