import { createHash } from 'node:crypto';

/**
 * A set of device ids that takes a few bytes for each: 64 bits of a hash in an open-addressed table. Two ids that share a hash are taken
 * for one, which happens once in some ten million fleets of a million devices; the salt sees to it that it is not the same two again.
 */
export class IdSet {
  readonly #salt: string;
  #slots: BigUint64Array;
  #size = 0;

  constructor(salt: string, capacity = 1024) {
    this.#salt = salt;
    this.#slots = new BigUint64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    this.#put(this.#hash(id));
  }

  has(id: string): boolean {
    const hash = this.#hash(id);
    return this.#slots[this.#slotOf(hash)] === hash;
  }

  /** What {@link fromBytes} makes the same set of again: eight bytes for each id. */
  toBytes(): Uint8Array {
    const hashes = this.#slots.filter((hash) => hash !== 0n);
    return new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  }

  static fromBytes(salt: string, bytes: Uint8Array): IdSet {
    // Copied, because what comes from storage may not lie on a multiple of eight.
    const hashes = new BigUint64Array(Uint8Array.from(bytes).buffer);
    const set = new IdSet(salt);
    for (const hash of hashes) set.#put(hash);
    return set;
  }

  #put(hash: bigint): void {
    const slot = this.#slotOf(hash);
    if (this.#slots[slot] === hash) return;
    this.#slots[slot] = hash;
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#grow();
  }

  /** Where a hash is, or would be. The table is never more than half full, so there is always an end to looking. */
  #slotOf(hash: bigint): number {
    const last = this.#slots.length - 1;
    let slot = Number(hash & 0xffff_ffffn) & last;
    while (this.#slots[slot] !== 0n && this.#slots[slot] !== hash) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new BigUint64Array(old.length * 2);
    for (const hash of old) if (hash !== 0n) this.#slots[this.#slotOf(hash)] = hash;
  }

  /** Never 0, which stands for an empty slot. */
  #hash(id: string): bigint {
    const hash = createHash('sha1').update(this.#salt).update('\n').update(id).digest().readBigUInt64LE();
    return hash === 0n ? 1n : hash;
  }
}
