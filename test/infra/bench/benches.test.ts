import { describe, expect, it } from 'vitest';
import type { Bench } from '../../../infra/bench/bench.ts';
import { benches, chooseBenches } from '../../../infra/bench/benches.ts';

const bench = (name: string): Bench => ({ name, description: name, async run() {} });
const all = ['events', 'load', 'memory'].map(bench);
const namesOf = (chosen: readonly Bench[]) => chosen.map(({ name }) => name);

describe('the choice of benches', () => {
  it('has each named bench once, in the order of the list', () => {
    expect(namesOf(chooseBenches(['memory', 'events', 'memory'], all))).toEqual(['events', 'memory']);
  });

  it('has all benches without names', () => {
    expect(namesOf(chooseBenches([], all))).toEqual(['events', 'load', 'memory']);
  });

  it('throws on unknown names and lists the known ones', () => {
    expect(() => chooseBenches(['events', 'lode', 'speed'], all)).toThrow(
      'There is no bench "lode", "speed". The benches are events, load, memory.',
    );
  });
});

describe('the list of benches', () => {
  it('has unique names of lower-case letters', () => {
    expect(new Set(namesOf(benches)).size).toBe(benches.length);
    for (const { name } of benches) expect(name).toMatch(/^[a-z]+$/);
  });
});
