import { describe, expect, it } from 'vitest';
import type { Bench } from '../../../infra/bench/bench.ts';
import { benches, chooseBenches } from '../../../infra/bench/benches.ts';

const bench = (name: string): Bench => ({ name, description: name, async run() {} });
const all = ['events', 'load', 'memory'].map(bench);
const namesOf = (chosen: readonly Bench[]) => chosen.map(({ name }) => name);

describe('naming benches', () => {
  it('runs them in the order of the list, each once', () => {
    expect(namesOf(chooseBenches(['memory', 'events', 'memory'], all))).toEqual(['events', 'memory']);
  });

  it('none of them runs all', () => {
    expect(namesOf(chooseBenches([], all))).toEqual(['events', 'load', 'memory']);
  });

  it('that are unknown runs none, and says which there are', () => {
    expect(() => chooseBenches(['events', 'lode', 'speed'], all)).toThrow(
      'There is no bench "lode", "speed"; there are events, load, memory.',
    );
  });
});

it('gives each bench a name of its own that can be typed', () => {
  expect(new Set(namesOf(benches)).size).toBe(benches.length);
  for (const { name } of benches) expect(name).toMatch(/^[a-z]+$/);
});
