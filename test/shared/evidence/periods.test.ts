import { describe, expect, it } from 'vitest';
import { type InForce, periodsOf } from '../../../shared/evidence/periods.ts';

const at = (since: string, policies: InForce['policies'], appVersion = '1'): InForce => ({
  since,
  appVersion,
  policies,
});
const enforced = (version: string) => ({ version, mode: 'enforce' as const });

describe('the periods of a policy', () => {
  it('name each version, mode and app, also when an older version comes back, and when the policy was out for a time', () => {
    const inForce = [
      at('08', { a: enforced('1') }, '2'),
      at('07', { a: enforced('1'), b: enforced('9') }),
      at('06', { b: enforced('9') }),
      at('05', { a: { version: '1', mode: 'audit' } }),
      at('04', { a: enforced('1') }),
      at('03', { a: enforced('2') }),
      at('02', { a: enforced('1'), b: enforced('8') }),
      at('01', { a: enforced('1') }),
    ];
    expect(periodsOf('a', inForce)).toEqual([
      { since: '08', ...enforced('1'), appVersion: '2' },
      { since: '07', until: '08', ...enforced('1'), appVersion: '1' },
      { since: '05', until: '06', version: '1', mode: 'audit', appVersion: '1' },
      { since: '04', until: '05', ...enforced('1'), appVersion: '1' },
      { since: '03', until: '04', ...enforced('2'), appVersion: '1' },
      { since: '01', until: '03', ...enforced('1'), appVersion: '1' },
    ]);
    expect(periodsOf('constructor', inForce)).toEqual([]);
  });
});
