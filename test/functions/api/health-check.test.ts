import { describe, expect, it } from 'vitest';
import type { HealthDetails } from '../../../functions/api/answers.ts';
import { createHealthCheck } from '../../../functions/api/health-check.ts';

/**
 * A health check whose parts the test controls: the time, the end of each check, and the sleeps. `end` ends the running check with a status.
 */
function controlled() {
  const state = { time: 0, checks: 0, end: (_status: 'healthy' | 'unhealthy') => {} };
  const sleeps: { readonly until: number; readonly wake: () => void }[] = [];
  const { latest } = createHealthCheck({
    check: () =>
      new Promise<HealthDetails>((resolve) => {
        state.checks++;
        state.end = (status) => resolve({ status });
      }),
    now: () => new Date(state.time),
    sleep: (milliseconds) =>
      new Promise((wake) => {
        sleeps.push({ until: state.time + milliseconds, wake });
      }),
  });
  return {
    state,
    status: async () => (await latest()).status,
    pass(milliseconds: number) {
      state.time += milliseconds;
      for (const { until, wake } of sleeps) if (until <= state.time) wake();
    },
  };
}

describe('the health check of an app', () => {
  it('makes one check for all callers, and the next one 30 seconds later', async () => {
    const { state, status, pass } = controlled();
    const asked = Promise.all(Array.from({ length: 500 }, status));
    state.end('healthy');
    expect(new Set(await asked)).toEqual(new Set(['healthy']));
    pass(29_999);
    expect(await status()).toBe('healthy');
    expect(state.checks).toBe(1);
    pass(1);
    const again = status();
    state.end('unhealthy');
    expect([await again, state.checks]).toEqual(['unhealthy', 2]);
  });

  it('is checked again when the clock was set back, and an old result is not taken for a new one', async () => {
    const { state, status, pass } = controlled();
    const first = status();
    state.end('healthy');
    expect(await first).toBe('healthy');
    state.time -= 3_600_000;
    const asked = status();
    expect(state.checks).toBe(2);
    pass(5_000);
    expect(await asked).toBe('unknown');
    state.end('unhealthy');
    expect(await status()).toBe('unhealthy');
  });

  it('is unknown when the first check takes longer than five seconds, and then has its result', async () => {
    const { state, status, pass } = controlled();
    const asked = status();
    pass(5_000);
    expect(await asked).toBe('unknown');
    const later = status();
    state.end('unhealthy');
    expect([await later, state.checks]).toEqual(['unhealthy', 1]);
  });

  it.each(['healthy', 'unhealthy'] as const)('stays %s while the next check is slow', async (result) => {
    const { state, status, pass } = controlled();
    const first = status();
    state.end(result);
    await first;
    pass(40_000);
    const asked = status();
    pass(5_000);
    expect([await asked, state.checks]).toEqual([result, 2]);
  });

  it.each([
    ['healthy', 60_000],
    ['unhealthy', 120_000],
  ] as const)('does not call an app %s after %d ms when the next check is slow', async (result, validity) => {
    const { state, status, pass } = controlled();
    const first = status();
    state.end(result);
    await first;
    pass(validity - 5_001);
    const before = status();
    pass(5_000);
    expect(await before).toBe(result);
    const after = status();
    pass(5_000);
    expect([await after, state.checks]).toEqual(['unknown', 2]);
  });
});
