import { describe, expect, it } from 'vitest';
import { toScopeMatcher } from '../../../shared/policy/scope.ts';
import { deviceIds, fc } from '../../support/arbitraries.ts';

describe('a scope', () => {
  const matches = (pattern: string, id: string) => toScopeMatcher({ deviceId: pattern }).mayMatchId(id);

  it('matches every id with *, and one id with its own text when the asterisks are escaped', () => {
    fc.assert(
      fc.property(deviceIds, deviceIds, (id, other) => {
        expect(matches('*', id)).toBe(true);
        const literal = id.replaceAll('*', '\\*');
        expect(matches(literal, id)).toBe(true);
        expect(matches(literal, other)).toBe(id === other);
        expect(matches(`${literal}*`, `${id}${other}`)).toBe(true);
        expect(matches(`*${literal}`, `${other}${id}`)).toBe(true);
      }),
    );
  });

  it.each([
    ['plant-*', 'plant-7', true],
    ['plant-*', 'Plant-7', false],
    ['plant-*', 'x-plant-7', false],
    ['plant-**7', 'plant-7', true],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
    ['(a)?', '(a)?', true],
    ['$a', '$a', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['[ab]', 'a', false],
    ['*-*-*', 'a-b-c', true],
    ['*-*-*', 'a-b', false],
  ])('with the pattern %s matches %s: %s', (pattern, id, expected) => {
    expect(matches(pattern, id)).toBe(expected);
  });

  it('with many asterisks is matched in linear time', () => {
    const id = 'a'.repeat(127);
    expect(matches(`${'*a'.repeat(30)}*b`, `${id}c`)).toBe(false);
  });

  it('matches a device only when every field matches', () => {
    const matcher = toScopeMatcher({ tags: { env: 'p', site: { hall: 1 } }, edge: false, deviceId: 'd*' });
    const device = { deviceId: 'd1', tags: { env: 'p', site: { hall: 1, row: 2 }, more: 1 }, edge: false };
    expect(matcher.matches(device)).toBe(true);
    for (const change of [
      { deviceId: 'x' },
      { edge: true },
      { tags: {} },
      { tags: { ...device.tags, site: { row: 2 } } },
      { tags: { ...device.tags, env: ['p'] } },
    ]) {
      expect(matcher.matches({ ...device, ...change })).toBe(false);
    }
    expect(matcher.usesIdOnly).toBe(false);
    expect(toScopeMatcher({ deviceId: 'd*' }).usesIdOnly).toBe(true);
  });

  it('matches a device that has one value of a list, one id of a list, and is not left out', () => {
    const matcher = toScopeMatcher({
      tags: { env: ['production', 'staging'], lines: [['a'], { hall: 1 }] },
      deviceId: ['plant-*', 'lab'],
      not: [{ tags: { retired: true } }, { edge: true, deviceId: 'plant-9*' }, { deviceId: '*-test' }],
    });
    const device = { deviceId: 'plant-1', tags: { env: 'staging', lines: ['a'] }, edge: false };
    expect(matcher.matches(device)).toBe(true);
    for (const change of [
      { deviceId: 'lab' },
      { deviceId: 'plant-9' },
      { edge: true },
      { tags: { ...device.tags, retired: false } },
      { tags: { env: 'production', lines: { hall: 1, row: 2 } } },
    ]) {
      expect(matcher.matches({ ...device, ...change }), JSON.stringify(change)).toBe(true);
    }
    for (const change of [
      { deviceId: 'lab-1' },
      { deviceId: 'plant-1-test' },
      { deviceId: 'plant-9', edge: true },
      { tags: { ...device.tags, retired: true } },
      { tags: { ...device.tags, env: 'test' } },
      { tags: { ...device.tags, env: ['staging'] } },
      { tags: { ...device.tags, lines: 'a' } },
      { tags: { lines: ['a'] } },
    ]) {
      expect(matcher.matches({ ...device, ...change }), JSON.stringify(change)).toBe(false);
    }
    expect(matcher.mayMatchId('plant-9')).toBe(true);
    expect(matcher.mayMatchId('plant-1-test')).toBe(false);
    expect(matcher.usesIdOnly).toBe(false);
    expect(toScopeMatcher({ deviceId: ['a', 'b*'], not: { deviceId: 'b1' } }).usesIdOnly).toBe(true);
    expect(toScopeMatcher({ not: { edge: true } }).usesIdOnly).toBe(false);
  });

  it('that is a function gets frozen data, and is stopped when it does not return', () => {
    const device = { deviceId: 'd', tags: { a: { b: 1 } }, edge: false };
    const frozen = toScopeMatcher((seen) => Object.isFrozen(seen) && Object.isFrozen(seen.tags.a));
    expect(frozen.matches(device)).toBe(true);
    const endless = toScopeMatcher(() => {
      for (;;);
    });
    expect(() => endless.matches(device)).toThrow('appliesTo took longer than 250 ms');
  });

  it('ignores tags that an object inherits from its prototype', () => {
    expect(
      toScopeMatcher({ tags: { constructor: { name: 'Object' } } }).matches({ deviceId: 'd', tags: {}, edge: false }),
    ).toBe(false);
  });
});
