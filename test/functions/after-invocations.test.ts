import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LazyApp } from '../../functions/lazy-app.ts';

type Hook = (context: { readonly invocationContext: { warn(message: string): void } }) => Promise<void>;
const registered = vi.hoisted(() => ({ hook: undefined as unknown }));
vi.mock('@azure/functions', () => ({
  app: { hook: { postInvocation: (hook: unknown) => Object.assign(registered, { hook }) } },
}));
const { registerAfterInvocations } = await import('../../functions/after-invocations.ts');

let flush: () => Promise<void>;
let isLoaded: boolean;
const warnings: string[] = [];
const end = () => (registered.hook as Hook)({ invocationContext: { warn: (message) => void warnings.push(message) } });

beforeEach(() => {
  vi.useFakeTimers();
  isLoaded = true;
  warnings.splice(0);
  registerAfterInvocations({
    loaded: () => (isLoaded ? { usage: { flush: async () => {} }, telemetry: { flush: () => flush() } } : undefined),
  } as unknown as LazyApp);
});
afterEach(() => void vi.useRealTimers());

describe('the end of an invocation', () => {
  it('waits for the writes, but not longer than two seconds', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    flush = () => promise;
    let hasEnded = false;
    const ended = end().then(() => {
      hasEnded = true;
    });
    await vi.advanceTimersByTimeAsync(1_900);
    expect(hasEnded).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(hasEnded).toBe(true);
    resolve();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never fails, and logs a failure once, without keys, until the next success', async () => {
    flush = async () => {
      throw new Error('403 at https://account/table?sig=abc\nand much more');
    };
    await end();
    await end();
    expect(warnings).toEqual([expect.stringContaining('403 at https://account/table')]);
    expect(warnings[0]).not.toMatch(/abc|more/);
    flush = async () => {};
    await end();
    flush = async () => {
      throw new Error('again');
    };
    await end();
    expect(warnings).toHaveLength(2);
  });

  it('does nothing before the app is loaded', async () => {
    isLoaded = false;
    flush = async () => {
      throw new Error('This must not run.');
    };
    await end();
    expect(warnings).toEqual([]);
  });
});
