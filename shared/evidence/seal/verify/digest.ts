import { createHash, randomBytes } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';

/** Each process has other digests. So nobody can make two contents with the same one. */
const seed = randomBytes(16);

/** A digest of a value, below 2 to the power of 48. It needs few bytes of memory. */
export function digestOf(value: unknown): number {
  return createHash('sha256').update(seed).update(canonicalJson(value)).digest().readUIntBE(0, 6);
}

/** Adds digests, so that their order does not matter. */
export function addDigests(a: number, b: number): number {
  return (a + b) % 2 ** 48;
}
