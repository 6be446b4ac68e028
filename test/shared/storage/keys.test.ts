import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDeviceId, endOfPrefix } from '../../../shared/storage/index.ts';

describe('the end of a prefix', () => {
  const prefix = fc.stringMatching(/^[a-z0-9-]{1,9}!$/);
  const deviceId = fc.stringMatching(/^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,20}$/);

  it('sorts after each key that begins with the prefix', () => {
    fc.assert(
      fc.property(prefix, deviceId, (start, id) => {
        expect(`${start}${encodeDeviceId(id)}!row` < endOfPrefix(start)).toBe(true);
      }),
    );
  });

  it('sorts before each later key that does not begin with the prefix', () => {
    fc.assert(
      fc.property(prefix, fc.string(), (start, key) => {
        fc.pre(key > start && !key.startsWith(start));
        expect(key >= endOfPrefix(start)).toBe(true);
      }),
    );
  });
});
