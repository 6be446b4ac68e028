import { hash } from 'node:crypto';

/** Numbers of 32 bits that one hash takes. */
const words = 2;

/**
 * A set of device ids that takes a few bytes for each: 64 bits of a hash in an open-addressed table. Two ids that share a hash are taken
 * for one, which happens once in some ten million fleets of a million devices; the salt sees to it that it is not the same two again.
 *
 * Hashes are two numbers of 32 bits and never big ones, which would each be an object: a fleet's worth of those is more garbage than the
 * set itself is large.
 */
export class IdSet {
  readonly #salt: string;
  /** Each slot a low and a high word; both 0 where it is empty. */
  #slots: Uint32Array<ArrayBuffer>;
  #size = 0;
  /** The hash that is being dealt with. */
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
    this.#takeHashOf(id);
    this.#put();
  }

  has(id: string): boolean {
    this.#takeHashOf(id);
    return this.#isAt(this.#slotOf());
  }

  /** What {@link fromBytes} makes the same set of again: eight bytes for each id. */
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

  static fromBytes(salt: string, bytes: Uint8Array): IdSet {
    // Copied, because what comes from storage may not lie on a multiple of four.
    const hashes = new Uint32Array(Uint8Array.from(bytes).buffer);
    const set = new IdSet(salt);
    for (let at = 0; at < hashes.length; at += words) {
      set.#take(hashes, at);
      set.#put();
    }
    return set;
  }

  #put(): void {
    const slot = this.#slotOf();
    if (this.#isAt(slot)) return;
    this.#write(slot);
    this.#size++;
    if (this.#size * 2 * words > this.#slots.length) this.#grow();
  }

  /** Where the hash is, or would be. The table is never more than half full, so there is always an end to looking. */
  #slotOf(): number {
    const last = this.#slots.length - 1;
    let slot = (this.#low * words) & last;
    while (!this.#isEmpty(slot) && !this.#isAt(slot)) slot = (slot + words) & last;
    return slot;
  }

  #isEmpty(slot: number): boolean {
    return this.#slots[slot] === 0 && this.#slots[slot + 1] === 0;
  }

  #isAt(slot: number): boolean {
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
      this.#take(old, slot);
      this.#write(this.#slotOf());
    }
  }

  #take(hashes: Uint32Array, at: number): void {
    this.#low = hashes[at] ?? 0;
    this.#high = hashes[at + 1] ?? 0;
  }

  #takeHashOf(id: string): void {
    const digest = hash('sha1', `${this.#salt}\n${id}`, 'binary');
    this.#low = wordIn(digest, 0);
    this.#high = wordIn(digest, 4);
    // Both 0 stands for an empty slot.
    if (this.#low === 0 && this.#high === 0) this.#low = 1;
  }
}

/** Four characters of a text in Latin-1 as a number, the lowest byte first. */
function wordIn(text: string, at: number): number {
  const byte = (offset: number) => text.charCodeAt(at + offset) << (8 * offset);
  return (byte(0) | byte(1) | byte(2) | byte(3)) >>> 0;
}
