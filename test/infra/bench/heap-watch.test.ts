import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeapWatch } from '../../../infra/bench/heap-watch.ts';

const size = 64_000_000;

/** Allocates `size` bytes, and either keeps or drops them. Returns the measured growth of the heap in bytes. */
function measuredGrowth(isHeld: boolean): number {
  const watch = new HeapWatch('withoutGarbage');
  const held = [new Uint8Array(size)];
  if (!isHeld) held.pop();
  const { before, peak } = watch.end();
  expect(held.length).toBe(isHeld ? 1 : 0);
  return peak - before;
}

describe('a heap watch', () => {
  beforeEach(() => {
    setFlagsFromString('--expose-gc');
    vi.stubGlobal('gc', runInNewContext('gc'));
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('counts memory in use once, with buffers', () => {
    expect(measuredGrowth(true)).toBeGreaterThan(0.95 * size);
    expect(measuredGrowth(true)).toBeLessThan(1.5 * size);
  });

  it('does not count collected garbage', () => {
    expect(measuredGrowth(false)).toBeLessThan(size / 2);
  });

  it('throws without --expose-gc', () => {
    vi.stubGlobal('gc', undefined);
    expect(() => new HeapWatch('withGarbage')).toThrow('start Node with --expose-gc');
  });
});
