import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { IdSet } from '../../shared/id-set.ts';
import { deviceIds, fc } from '../support/arbitraries.ts';

const manyIds = fc.array(fc.oneof(deviceIds, fc.nat(300).map(String)), { maxLength: 400 });

describe('a set of device ids', () => {
  it('has the same ids as a Set', () => {
    fc.assert(
      fc.property(manyIds, manyIds, fc.string(), (added, asked, salt) => {
        const ours = new IdSet(salt);
        const theirs = new Set<string>();
        for (const id of added) {
          ours.add(id);
          theirs.add(id);
          expect(ours.size).toBe(theirs.size);
        }
        for (const id of [...added, ...asked]) expect(ours.has(id)).toBe(theirs.has(id));
      }),
    );
  });

  it('is restored from its bytes, eight per id, at any memory offset', () => {
    fc.assert(
      fc.property(manyIds, manyIds, fc.nat(7), (added, later, offset) => {
        const set = new IdSet('salt');
        for (const id of added) set.add(id);
        const bytes = set.toBytes();
        expect(bytes).toHaveLength(8 * new Set(added).size);

        const shifted = new Uint8Array(bytes.length + offset);
        shifted.set(bytes, offset);
        const again = IdSet.fromBytes('salt', shifted.subarray(offset));
        for (const id of [...added, ...later]) expect(again.has(id)).toBe(set.has(id));
        for (const id of later) again.add(id);
        expect(again.size).toBe(new Set([...added, ...later]).size);
      }),
    );
  });

  it('has the same bytes with the same salt, and other bytes with another salt', () => {
    const bytesOf = (salt: string) => {
      const set = new IdSet(salt);
      for (const id of ['a', 'b']) set.add(id);
      return Buffer.from(set.toBytes()).toString('hex');
    };
    expect(bytesOf('x')).toBe(bytesOf('x'));
    expect(bytesOf('x')).not.toBe(bytesOf('y'));
  });

  it('needs at most 40 bytes per id', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // Measure just after the hash table has grown: it then has the most empty slots, and takes the most memory per id.
    const count = 2 ** 15 + 1;
    const memory = () => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    // Wait until the garbage of other tests is collected, so that the memory in use no longer changes.
    let before = memory();
    await expect
      .poll(() => {
        const earlier = before;
        before = memory();
        return Math.abs(before - earlier);
      })
      .toBeLessThan(count);
    const set = new IdSet('salt');
    for (let index = 0; index < count; index++) set.add(`device-with-quite-a-long-name-${index}`);
    // Node.js frees the memory of a collected buffer a little later, so measure several times.
    await expect.poll(() => (memory() - before) / count).toBeLessThan(40);
    expect((memory() - before) / count).toBeGreaterThan(8);
    expect(set.size).toBe(count);
  });
});
