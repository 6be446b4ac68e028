import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isMet, type Measured, ratioOf } from '../../../infra/bench/bench.ts';
import { describeMachine, toJsonLine, toTable } from '../../../infra/bench/present.ts';

const fast: Measured = {
  case: 'handler',
  ours: 123_456.789,
  peer: 200_000,
  unit: 'events/s',
  target: { atLeast: 0.5 },
  note: 'beside parsing alone',
};
const heavy: Measured = {
  case: 'time',
  ours: 40,
  peer: 10,
  unit: 'ms',
  target: { atMost: 3 },
  note: 'beside an empty app',
};

describe('a measurement', () => {
  it('is as wanted up to the very bound', () => {
    expect(isMet(fast)).toBe(true);
    expect(isMet({ ...fast, ours: 100_000 })).toBe(true);
    expect(isMet({ ...fast, ours: 99_999 })).toBe(false);
    expect(isMet({ ...heavy, ours: 30 })).toBe(true);
    expect(isMet(heavy)).toBe(false);
  });

  it('of nothing beside nothing is a fair match, and of something beside nothing is not', () => {
    expect(ratioOf({ ours: 0, peer: 0 })).toBe(1);
    expect(isMet({ ...heavy, ours: 1, peer: 0 })).toBe(false);
  });
});

describe('a line of JSON', () => {
  it('has the six keys and nothing else', () => {
    expect(toJsonLine('events', fast)).toBe(
      '{"bench":"events","case":"handler","ours":123500,"peer":200000,"ratio":0.6173,"unit":"events/s"}',
    );
  });

  it('stays valid JSON where there is no ratio', () => {
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

  it('shows ours, the peer, the ratio and what is wanted of it', () => {
    expect(row('handler')).toEqual(['events', 'handler', '123,500', '200,000', 'events/s', '0.62', '≥ 0.5', 'ok']);
  });

  it('says what has missed its target', () => {
    expect(row('time')).toEqual(['load', 'time', '40', '10', 'ms', '4.00', '≤ 3', 'MISSED']);
  });

  it('says below what each was measured beside', () => {
    expect(lines).toContain('events handler: beside parsing alone');
    expect(lines).toContain('load time: beside an empty app');
  });
});

it('names the Node version and the processor it was measured on', () => {
  expect(describeMachine()).toMatch(new RegExp(`^Node ${process.version} on .* \\d+ × .* load \\d`));
});
