import { describe, expect, it } from 'vitest';
import { isDeviceId } from '../../../shared/twin/index.ts';
import { deviceIds, fc } from '../../support/arbitraries.ts';

describe('a device id', () => {
  it('may contain every character that IoT Hub allows', () => {
    fc.assert(fc.property(deviceIds, (id) => void expect(isDeviceId(id)).toBe(true)));
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a/b', 'ä', 'a\n', 'a\\b', '~', 'a"b', 'a&b'])('cannot be %j', (id) => {
    expect(isDeviceId(id)).toBe(false);
  });
});
