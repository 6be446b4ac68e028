/** Tests the queries that find devices. The parser of this repository reads what is written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceQuery } from '../../../functions/api/device-query.ts';
import { holds, parseQuery } from '../../../shared/query/index.ts';

const finds = (query: string | undefined, twin: object) => {
  const { where } = parseQuery(query ?? '');
  return where === undefined || holds(where, twin as never);
};

describe('the query for devices', () => {
  it.each([
    [{ part: 'press', tag: undefined }, "SELECT deviceId FROM devices WHERE CONTAINS(deviceId, 'press')"],
    [{ part: undefined, tag: 'site:north' }, "SELECT deviceId FROM devices WHERE tags.site = 'north'"],
    [{ part: undefined, tag: 'site' }, 'SELECT deviceId FROM devices WHERE IS_DEFINED(tags.site)'],
    [{ part: undefined, tag: 'site:' }, "SELECT deviceId FROM devices WHERE tags.site = ''"],
    [{ part: undefined, tag: 'a.b:c:d' }, "SELECT deviceId FROM devices WHERE tags.a.b = 'c:d'"],
    [{ part: undefined, tag: 'line:3' }, "SELECT deviceId FROM devices WHERE (tags.line = '3' OR tags.line = 3)"],
    [{ part: undefined, tag: 'on:true' }, "SELECT deviceId FROM devices WHERE (tags.on = 'true' OR tags.on = true)"],
    [
      { part: 'p', tag: 'group:1.5' },
      "SELECT deviceId FROM devices WHERE CONTAINS(deviceId, 'p') AND (tags.[[group]] = '1.5' OR tags.[[group]] = 1.5)",
    ],
  ])('for %o is %s', (search, query) => {
    expect(deviceQuery(search, true)).toBe(query);
  });

  it('leaves the part out where the hub cannot test it', () => {
    expect(deviceQuery({ part: 'press', tag: undefined }, false)).toBe('SELECT deviceId FROM devices');
    expect(deviceQuery({ part: 'press', tag: 'a:b' }, false)).toBe("SELECT deviceId FROM devices WHERE tags.a = 'b'");
  });

  it.each(['a]]', '', '.', 'a..b', '[x'])('does not exist for a tag named %s', (name) => {
    expect(deviceQuery({ part: undefined, tag: `${name}:1` }, true)).toBeUndefined();
  });

  it('finds the device with any value of a tag, and no other', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(text, text, (value, other) => {
        const query = deviceQuery({ part: undefined, tag: `site:${value}` }, true);
        expect(finds(query, { deviceId: 'a', tags: { site: value } })).toBe(true);
        expect(finds(query, { deviceId: 'a', tags: { site: other } })).toBe(value === other);
      }),
    );
  });
});
