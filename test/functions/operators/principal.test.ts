import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPrincipal } from '../../../functions/operators/principal.ts';
import { encode, principalHeader } from './principal-header.ts';

describe('the principal of an operator', () => {
  it('has name, object id and app roles', () => {
    expect(readPrincipal(principalHeader(['Twinkeeper.Reader', 'Other']))).toEqual({
      name: 'ada@example.com',
      id: 'b8e1',
      roles: new Set(['Twinkeeper.Reader', 'Other']),
    });
  });

  it('is found also under the names that App Service gives to the claims', () => {
    const claims = [
      { typ: 'oid', val: 'b8e1' },
      { typ: 'n', val: 'Ada' },
      { typ: 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role', val: 'Twinkeeper.Operator' },
    ];
    expect(readPrincipal(encode({ auth_typ: 'aad', name_typ: 'n', role_typ: null, claims }))).toEqual({
      name: 'Ada',
      id: 'b8e1',
      roles: new Set(['Twinkeeper.Operator']),
    });
  });

  it('takes the object id for a name when there is none, as for an application', () => {
    expect(readPrincipal(principalHeader([], ''))?.name).toBe('b8e1');
  });

  it('has a name that cannot forge a log line', () => {
    expect(readPrincipal(principalHeader([], 'ada\n\u001b[31m\u202eroot'))?.name).toBe('ada[31mroot');
    expect(readPrincipal(principalHeader([], 'a'.repeat(1000)))?.name).toHaveLength(256);
  });

  it.each([
    ['another identity provider', encode({ auth_typ: 'github', claims: [{ typ: 'oid', val: 'b8e1' }] })],
    ['no object id', encode({ auth_typ: 'aad', claims: [{ typ: 'roles', val: 'Twinkeeper.Operator' }] })],
    ['claims that are no list', encode({ auth_typ: 'aad', claims: { typ: 'oid', val: 'b8e1' } })],
    ['a claim without a value', encode({ auth_typ: 'aad', claims: [{ typ: 'oid' }] })],
    ['no base64', `${principalHeader(['Twinkeeper.Reader'])}\n`],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['more than 64 KB', principalHeader(['a'.repeat(50_000)])],
    ['nothing', ''],
  ])('is refused with %s', (_, header) => {
    expect(readPrincipal(header)).toBeUndefined();
  });

  it('never throws, and never has a role that no claim has', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => Buffer.from(text).toString('base64')),
        ),
        (header) => {
          expect(readPrincipal(header)?.roles.has('Twinkeeper.Operator')).not.toBe(true);
        },
      ),
    );
  });
});
