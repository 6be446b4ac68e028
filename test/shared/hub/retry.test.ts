import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/clock.ts';
import { classifyError } from '../../../shared/hub/classify.ts';
import { type Attempt, type RetryOptions, withRetries } from '../../../shared/hub/retry.ts';
import { bodyOf, now, sdkError } from './sdk-errors.ts';

describe('a retry', () => {
  const options: RetryOptions = { retries: 4, firstDelay: 100, longestDelay: 10_000 };

  /** Makes a call with retries. The first attempts fail with the given errors, one error for each attempt. The next attempt succeeds. */
  async function runWith(errors: readonly unknown[], settings: Partial<RetryOptions> = {}, random = 0.5) {
    const sleeps: number[] = [];
    const clock: Clock = { now: () => new Date(0), sleep: async (milliseconds) => void sleeps.push(milliseconds) };
    let calls = 0;
    const attempt = async (): Promise<Attempt<string>> => {
      const error = errors[calls++];
      return error === undefined ? { ok: true, value: 'value' } : { ok: false, problem: classifyError(error, now) };
    };
    return { answer: await withRetries(attempt, { ...options, ...settings }, clock, () => random), calls, sleeps };
  }

  it('is not made after a success', async () => {
    expect(await runWith([])).toEqual({ answer: { ok: true, value: 'value' }, calls: 1, sleeps: [] });
  });

  it.each([400, 401, 403, 404, 409, 412])('is not made after status %i', async (status) => {
    expect(await runWith([sdkError(status)])).toMatchObject({ answer: { ok: false }, calls: 1, sleeps: [] });
  });

  it.each([408, 429, 500, 502, 503])('is made after status %i, until a call succeeds', async (status) => {
    expect(await runWith([sdkError(status), sdkError(status)])).toMatchObject({ answer: { ok: true }, calls: 3 });
  });

  it('is made after a broken connection, for every kind of error', async () => {
    const errors = [new TypeError('fetch failed'), new Error('ECONNRESET'), 'text'];
    expect(await runWith(errors)).toMatchObject({ answer: { ok: true }, calls: 4 });
  });

  it('has twice the delay of the one before, up to the longest delay', async () => {
    const errors = Array<Error>(4).fill(sdkError(503));
    expect((await runWith(errors)).sleeps).toEqual([100, 200, 400, 800]);
    expect((await runWith(errors, { longestDelay: 300 })).sleeps).toEqual([100, 200, 300, 300]);
  });

  it('has a delay with a jitter of ±50 %', async () => {
    const errors = Array<Error>(2).fill(sdkError(503));
    expect((await runWith(errors, {}, 0)).sleeps).toEqual([50, 100]);
    expect((await runWith(errors, {}, 1)).sleeps).toEqual([150, 300]);
  });

  it('does not wait for Retry-After, because the budget does', async () => {
    const throttled = sdkError(429, '', { 'retry-after': '2' });
    expect((await runWith([throttled, throttled])).sleeps).toEqual([100, 200]);
  });

  it('is not made after a final problem', async () => {
    const problem = { type: 'throttled', message: 'no room', retryAfter: 5 } as const;
    const attempt = async (): Promise<Attempt<string>> => ({ ok: false, problem, final: true });
    const clock: Clock = { now: () => new Date(0), sleep: () => expect.unreachable('a final problem has no delay') };
    expect(await withRetries(attempt, options, clock, () => 0.5)).toEqual({ ok: false, problem });
  });

  it('is the last when all retries are used, and no delay follows it', async () => {
    const errors = [...Array<Error>(4).fill(sdkError(503)), sdkError(429, bodyOf('ThrottlingException'))];
    const { answer, calls, sleeps } = await runWith(errors);
    expect(answer).toMatchObject({ ok: false, problem: { type: 'throttled' } });
    expect({ calls, waits: sleeps.length }).toEqual({ calls: 5, waits: 4 });
  });

  it('is the last when it fails with a problem that a retry cannot solve', async () => {
    const { answer, calls } = await runWith([sdkError(503), sdkError(412), sdkError(503)]);
    expect(answer).toMatchObject({ ok: false, problem: { type: 'conflict' } });
    expect(calls).toBe(2);
  });
});
