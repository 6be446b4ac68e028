import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeapWatch } from '../../../infra/bench/heap-watch.ts';

const size = 64_000_000;

/** What a watch says which was begun before `size` bytes were taken, and ended while they were held or after they were let go. */
function watched(isHeld: boolean): number {
  const watch = new HeapWatch('collected');
  const held = [new Uint8Array(size)];
  if (!isHeld) held.pop();
  const { before, peak } = watch.end();
  expect(held.length).toBe(isHeld ? 1 : 0);
  return peak - before;
}

describe('a watched heap', () => {
  beforeEach(() => {
    setFlagsFromString('--expose-gc');
    vi.stubGlobal('gc', runInNewContext('gc'));
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('shows what is held, buffers too, once and not twice', () => {
    expect(watched(true)).toBeGreaterThan(0.95 * size);
    expect(watched(true)).toBeLessThan(1.5 * size);
  });

  it('does not show garbage when it is collected', () => {
    expect(watched(false)).toBeLessThan(size / 2);
  });

  it('cannot be watched where garbage cannot be collected', () => {
    vi.stubGlobal('gc', undefined);
    expect(() => new HeapWatch('asItIs')).toThrow('start with --expose-gc');
  });
});
