import { describe, expect, it } from 'vitest';
import { describeRule } from '../../../functions/api/describe-rule.ts';
import { absent, between, byDefault, exactly, oneOf } from '../../../shared/policy/index.ts';

describe('the description of a rule', () => {
  it('names the allowed values, and is cut when they are long', () => {
    expect(
      [exactly('x'), byDefault(1), oneOf(['a', 2], { otherwise: 2 }), between(1, 9, { otherwise: 5 }), absent()].map(
        describeRule,
      ),
    ).toEqual(['exactly "x"', '1 unless set otherwise', 'one of "a", 2', 'from 1 to 9', 'absent']);
    expect(describeRule(exactly('x'.repeat(5000))).length).toBeLessThan(300);
  });
});
