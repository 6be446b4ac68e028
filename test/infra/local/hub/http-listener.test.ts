import { describe, expect, it } from 'vitest';
import { parseJson, parseTarget } from '../../../../infra/local/hub/http-listener.ts';
import { isIdentityId } from '../../../../infra/local/hub/ids.ts';
import { fc } from './arbitraries.ts';

const everyIdCharacter = "ABCZabcz059-.+%_#*?!(),:=@$'";
const id = fc.string({ unit: fc.constantFrom(...everyIdCharacter), minLength: 1, maxLength: 128 });

describe('a request path', () => {
  it('keeps every valid device and module id unchanged', () => {
    fc.assert(
      fc.property(id, id, (deviceId, moduleId) => {
        expect(isIdentityId(deviceId)).toBe(true);
        const path = `/twins/${encodeURIComponent(deviceId)}/modules/${encodeURIComponent(moduleId)}?api-version=x`;
        expect(parseTarget(path).segments).toEqual(['twins', deviceId, 'modules', moduleId]);
      }),
    );
  });

  it.each(['/devices/..', '/devices/.', '/devices/%2E%2E'])('is not normalised for %s', (path) => {
    expect(parseTarget(path).segments).toHaveLength(2);
  });

  it('is refused with a stray percent sign', () => {
    expect(() => parseTarget('/devices/100%')).toThrow(/percent-encoded/);
  });
});

describe('a device id', () => {
  it.each(['', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(129), 'a;b', 'a&b'])('must not be %j', (text) => {
    expect(isIdentityId(text)).toBe(false);
  });
});

describe('a request body', () => {
  it.each([
    ['no bytes', ''],
    ['an incomplete object', '{"a":'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['100,000 levels of nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('is refused with %s', (_, body) => {
    expect(() => parseJson(Buffer.from(body))).toThrow();
  });

  it('may have __proto__ as an ordinary key', () => {
    const value = parseJson(Buffer.from('{"__proto__":{"a":1}}'));
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});
