import { hash } from 'node:crypto';

/** Number of 32-bit words per hash. */
const words = 2;

/**
 * A set of device ids that takes few bytes per id. The set is an open-addressing hash table of 64-bit hashes.
 *
 * Two ids with the same hash count as one id. In a set of a million ids, the chance of two equal hashes is about one in 37 million. Another
 * salt gives other hashes, so the next sweep does not confuse the same two ids.
 *
 * A hash is stored as two 32-bit numbers. A `bigint` per hash would be an object on the heap, and all these objects would take more memory
 * than the set.
 */
export class IdSet {
  readonly #salt: string;
  /** Each slot has two words: the low and the high half of a hash. Both words are 0 in an empty slot. */
  #slots: Uint32Array<ArrayBuffer>;
  #size = 0;
  /** Low and high half of the hash that the private methods look for or store. */
  #low = 0;
  #high = 0;

  constructor(salt: string, capacity = 1024) {
    this.#salt = salt;
    this.#slots = new Uint32Array(capacity * words);
  }

  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    this.#setHashOf(id);
    this.#put();
  }

  has(id: string): boolean {
    this.#setHashOf(id);
    return this.#isCurrentAt(this.#slotOf());
  }

  /** Returns the hashes as bytes for {@link fromBytes}, 8 bytes per id. */
  toBytes(): Uint8Array {
    const hashes = new Uint32Array(this.#size * words);
    let next = 0;
    for (let slot = 0; slot < this.#slots.length; slot += words) {
      if (this.#isEmpty(slot)) continue;
      hashes[next++] = this.#slots[slot] ?? 0;
      hashes[next++] = this.#slots[slot + 1] ?? 0;
    }
    return new Uint8Array(hashes.buffer);
  }

  /** Restores a set from the bytes that {@link toBytes} returned. `salt` must be the salt of the saved set. */
  static fromBytes(salt: string, bytes: Uint8Array): IdSet {
    // Copy the bytes: a `Uint32Array` must start at a multiple of four bytes, and bytes from storage may start elsewhere.
    const hashes = new Uint32Array(Uint8Array.from(bytes).buffer);
    const set = new IdSet(salt);
    for (let at = 0; at < hashes.length; at += words) {
      set.#setHash(hashes, at);
      set.#put();
    }
    return set;
  }

  #put(): void {
    const slot = this.#slotOf();
    if (this.#isCurrentAt(slot)) return;
    this.#write(slot);
    this.#size++;
    if (this.#size * 2 * words > this.#slots.length) this.#grow();
  }

  /**
   * Returns the slot that holds the current hash, or else the empty slot where the hash must be stored. At most half of the slots are full,
   * so the loop ends.
   */
  #slotOf(): number {
    const last = this.#slots.length - 1;
    let slot = (this.#low * words) & last;
    while (!this.#isEmpty(slot) && !this.#isCurrentAt(slot)) slot = (slot + words) & last;
    return slot;
  }

  #isEmpty(slot: number): boolean {
    return this.#slots[slot] === 0 && this.#slots[slot + 1] === 0;
  }

  #isCurrentAt(slot: number): boolean {
    return this.#slots[slot] === this.#low && this.#slots[slot + 1] === this.#high;
  }

  #write(slot: number): void {
    this.#slots[slot] = this.#low;
    this.#slots[slot + 1] = this.#high;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let slot = 0; slot < old.length; slot += words) {
      if (old[slot] === 0 && old[slot + 1] === 0) continue;
      this.#setHash(old, slot);
      this.#write(this.#slotOf());
    }
  }

  #setHash(hashes: Uint32Array, at: number): void {
    this.#low = hashes[at] ?? 0;
    this.#high = hashes[at + 1] ?? 0;
  }

  #setHashOf(id: string): void {
    const digest = hash('sha1', `${this.#salt}\n${id}`, 'binary');
    this.#low = wordIn(digest, 0);
    this.#high = wordIn(digest, 4);
    // A hash of two zeros would look like an empty slot.
    if (this.#low === 0 && this.#high === 0) this.#low = 1;
  }
}

/** Reads four characters as the bytes of a 32-bit number, lowest byte first. Each character has a code below 256. */
function wordIn(text: string, at: number): number {
  const byte = (offset: number) => text.charCodeAt(at + offset) << (8 * offset);
  return (byte(0) | byte(1) | byte(2) | byte(3)) >>> 0;
}
