import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../../../infra/local/host/route.ts';

const name = fc.stringMatching(/^[a-z_]\w{0,8}$/);
const text = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((value) => value !== '.' && value !== '..' && !value.includes('/'));

describe('a route', () => {
  it('returns the values that its parameters were filled with', () => {
    const parameters = fc.uniqueArray(fc.tuple(name, text), { minLength: 1, selector: ([key]) => key });
    fc.assert(
      fc.property(parameters, (values) => {
        const template = values.map(([key]) => `under/{${key}}`).join('/');
        const path = values.map(([, value]) => `under/${encodeURIComponent(value)}`).join('/');
        expect(parseRoute(template).match(`/${path}`)).toEqual(Object.fromEntries(values));
      }),
    );
  });

  it.each([
    ['a/{id?}', '/a', {}],
    ['a/{id?}', '/a/1', { id: '1' }],
    ['a/{id?}', '/a/1/2', undefined],
    ['a/{*rest}', '/A/1/2%20', { rest: '1/2 ' }],
    ['a/{*rest}', '/a', {}],
    ['a/{id:int}', '/a/12', { id: '12' }],
    ['a/{id:int}', '/a/x', undefined],
    ['a/{id}', '/a/%', { id: '%' }],
    // As in the runtime, an encoded slash stays encoded.
    ['a/{id}', '/a/x%2Fy%2f%2523%20', { id: 'x%2Fy%2f%23 ' }],
    ['a/{*rest}', '/a/1%2F2/3', { rest: '1%2F2/3' }],
    ['', '/', {}],
    ['', '/a', undefined],
  ])('%s matches %s with %j', (template, path, expected) => {
    expect(parseRoute(template).match(path)).toEqual(expected);
  });

  it('with a literal precedes one with a constraint, a parameter or a rest', () => {
    const templates = ['a/{*rest}', 'a/{id}', 'a/{id:int}', 'a/b'];
    const sorted = templates.toSorted((a, b) => (parseRoute(a).precedence < parseRoute(b).precedence ? -1 : 1));
    expect(sorted).toEqual(['a/b', 'a/{id:int}', 'a/{id}', 'a/{*rest}']);
  });

  it.each(['a/{id?}/b', '{*rest}/b', 'a/x{id}', 'a/{1d}'])('%s is refused', (template) => {
    expect(() => parseRoute(template)).toThrow(template);
  });
});
