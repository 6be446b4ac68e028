import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HubError } from '../../../../infra/local/hub/errors.ts';
import { type SasRules, signerOf } from '../../../../infra/local/hub/sas.ts';

const key = Buffer.from('a key of the hub').toString('base64');
const rules = {
  policies: [
    { name: 'iothubowner', key, rights: ['registryRead'] },
    { name: 'twinkeeper', key: 'b3RoZXI=', rights: ['service'] },
  ],
  resources: ['localhost', 'localhost:8443'],
} satisfies SasRules;
const now = 1_800_000_000;

function token({
  sr = 'localhost',
  se = String(now + 60),
  skn = 'iothubowner',
  signedWith = key,
  signature = '',
} = {}): string {
  const sig =
    signature || createHmac('sha256', Buffer.from(signedWith, 'base64')).update(`${sr}\n${se}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&skn=${skn}&se=${se}`;
}

describe('a shared access signature', () => {
  it.each(['localhost', 'LocalHost', 'localhost%3A8443', 'localhost%3a8443'])(
    'is valid for the resource %s, and leads to its policy',
    (sr) => {
      expect(signerOf(token({ sr }), rules, now)).toBe(rules.policies[0]);
    },
  );

  it('names the policy that signed it', () => {
    expect(signerOf(token({ skn: 'twinkeeper', signedWith: 'b3RoZXI=' }), rules, now)).toBe(rules.policies[1]);
  });

  it.each([
    ['is missing', undefined],
    ['has another scheme', 'Bearer abc'],
    ['is empty', 'SharedAccessSignature '],
    ['lacks a field', token().replace(/&se=\d+/, '')],
    ['has expired', token({ se: String(now - 1) })],
    ['never expires', token({ se: 'never' })],
    ['is for another hub', token({ sr: 'example.azure-devices.net' })],
    ['names an unknown policy', token({ skn: 'nobody', signedWith: '' })],
    ['is signed with another key', token({ signedWith: 'b3RoZXI=' })],
    ['has a later expiry than the signed one', token().replace(/se=\d+/, `se=${now + 9999}`)],
    ['has a malformed signature', token({ signature: 'AAAA' })],
    ['is wrongly encoded', token({ sr: '%E0%A4%A' })],
  ])('is refused when it %s', (_, header) => {
    expect(() => signerOf(header, rules, now)).toThrow(HubError);
    expect(() => signerOf(header, rules, now)).toThrow('Unauthorized');
  });
});
