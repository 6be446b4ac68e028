import { expect, it } from 'vitest';
import { devicesPerSecond } from '../../../infra/bench/onboarding.ts';

it('the onboarding bench expects at most 100 creations a minute of one S1 unit, after a burst of 100', () => {
  expect(10_000 / devicesPerSecond(10_000)).toBeCloseTo(99 * 60);
});
