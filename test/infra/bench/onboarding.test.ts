import { expect, it } from 'vitest';
import { devicesPerSecond } from '../../../infra/bench/onboarding.ts';

it('takes 100 creations a minute after the first hundred for the limit of one S1 unit', () => {
  expect(10_000 / devicesPerSecond(10_000)).toBeCloseTo(99 * 60);
});
