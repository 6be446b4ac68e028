import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plainText } from '../../../shared/actions/index.ts';

it('makes one line without control characters of any text', () => {
  const hostile = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\r', '\t', '\u001b', '\u0000', '\u202e', '\u2028', '\ud83d', '😀'),
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), hostile), fc.nat(20), (text, longest) => {
      const plain = plainText(text, longest);
      expect(plain.length).toBeLessThanOrEqual(longest);
      expect(plain.isWellFormed()).toBe(true);
      expect(plain).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(plain).toBe(plain.trim());
      expect(plainText(plain, longest)).toBe(plain);
    }),
  );
});

it('leaves ordinary text unchanged', () => {
  expect(plainText('change 4711: Größe, 10 % — „ok“ 😀', 500)).toBe('change 4711: Größe, 10 % — „ok“ 😀');
});
