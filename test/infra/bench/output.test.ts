import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isMet, type Measurement, ratioOf } from '../../../infra/bench/bench.ts';
import { describeMachine, toJsonLine, toTable } from '../../../infra/bench/output.ts';

const fast: Measurement = {
  case: 'handler',
  ours: 123_456.789,
  peer: 200_000,
  unit: 'events/s',
  target: { atLeast: 0.5 },
  note: 'compared with parsing alone',
};
const heavy: Measurement = {
  case: 'time',
  ours: 40,
  peer: 10,
  unit: 'ms',
  target: { atMost: 3 },
  note: 'compared with an empty app',
};

describe('a measurement', () => {
  it('meets its target up to the bound, inclusive', () => {
    expect(isMet(fast)).toBe(true);
    expect(isMet({ ...fast, ours: 100_000 })).toBe(true);
    expect(isMet({ ...fast, ours: 99_999 })).toBe(false);
    expect(isMet({ ...heavy, ours: 30 })).toBe(true);
    expect(isMet(heavy)).toBe(false);
  });

  it('has the ratio 1 for two zeros, and misses its target if only the peer is 0', () => {
    expect(ratioOf({ ours: 0, peer: 0 })).toBe(1);
    expect(isMet({ ...heavy, ours: 1, peer: 0 })).toBe(false);
  });
});

describe('a JSON line', () => {
  it('has exactly six keys', () => {
    expect(toJsonLine('events', fast)).toBe(
      '{"bench":"events","case":"handler","ours":123500,"peer":200000,"ratio":0.6173,"unit":"events/s"}',
    );
  });

  it('has the ratio null if the peer is 0', () => {
    expect(JSON.parse(toJsonLine('load', { ...heavy, peer: 0 }))).toMatchObject({ ours: 40, peer: 0, ratio: null });
  });
});

describe('the table', () => {
  const lines = stripVTControlCharacters(
    toTable([
      { bench: 'events', measurement: fast },
      { bench: 'load', measurement: heavy },
    ]),
  ).split('\n');
  const row = (name: string) =>
    lines
      .find((line) => line.startsWith('│') && line.includes(name))
      ?.split('│')
      .map((cell) => cell.trim())
      .slice(1, -1);

  it('shows our number, the peer, the ratio and the target', () => {
    expect(row('handler')).toEqual(['events', 'handler', '123,500', '200,000', 'events/s', '0.62', '≥ 0.5', 'ok']);
  });

  it('marks a missed target', () => {
    expect(row('time')).toEqual(['load', 'time', '40', '10', 'ms', '4.00', '≤ 3', 'MISSED']);
  });

  it('is followed by the notes', () => {
    expect(lines).toContain('events handler: compared with parsing alone');
    expect(lines).toContain('load time: compared with an empty app');
  });
});

describe('the description of the machine', () => {
  it('names the Node version, the processor and the load', () => {
    expect(describeMachine()).toMatch(new RegExp(`^Node ${process.version} on .* \\d+ × .* load \\d`));
  });
});
