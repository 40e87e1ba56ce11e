import { murmur3 } from "@sluice/core";

/** How many items are kept. */
export interface RecentLimits {
  readonly itemsMax: number;
  /** The sum of the items' sizes at most; null has no limit. */
  readonly bytesMax: number | null;
}

const firstCapacity = 1_024;

/**
 * A key is looked for in so many slots. Keys that someone has made to collide are not kept beyond that; with less than half of the
 * slots taken, no others come near it.
 */
const probesMax = 64;

/** Nothing, as a place: the list of places begins and ends here. */
const none = 0;

/**
 * What was used last, by key; what was not used for the longest goes first where there is too much. A hash table of numbers over
 * lists of keys and values: what is not here is known from one slot, where a Map compares strings, and nothing is made for an item.
 * Starts small and grows with what is in it.
 */
export class RecentItems<Value> {
  readonly #itemsMax: number;
  readonly #bytesMax: number;
  readonly #hashOf: (key: string) => number;
  /** Places, by hash; a free slot has none. */
  #slots: Int32Array;
  /** By place: the hash of its key, its neighbours in the order of use, its size. Free places are linked by `older`. */
  #hashes: Int32Array;
  #newer: Int32Array;
  #older: Int32Array;
  #sizes: Int32Array;
  readonly #keys: string[] = [""];
  readonly #values: (Value | undefined)[] = [undefined];
  #free: number = none;
  #items = 0;
  #bytes = 0;

  constructor({ itemsMax, bytesMax }: RecentLimits, hashOf: (key: string) => number = murmur3) {
    this.#itemsMax = itemsMax;
    this.#bytesMax = bytesMax ?? Number.POSITIVE_INFINITY;
    this.#hashOf = hashOf;
    const places = Math.min(firstCapacity, itemsMax) + 1;
    this.#hashes = new Int32Array(places);
    this.#newer = new Int32Array(places);
    this.#older = new Int32Array(places);
    this.#sizes = new Int32Array(places);
    this.#slots = new Int32Array(slotCountFor(places));
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The value of a key, which is now the one that was used last. */
  get(key: string): Value | undefined {
    const place = this.#find(key, this.#hashOf(key) | 0);
    if (place === none) return undefined;
    if (this.#older[none] !== place) {
      this.#unlink(place);
      this.#link(place);
    }
    return this.#values[place];
  }

  /** The value of a key, whose use does not count. */
  peek(key: string): Value | undefined {
    return this.#values[this.#find(key, this.#hashOf(key) | 0)];
  }

  /** Puts a value in the place of what was there. One that is larger than the limit is not kept. */
  set(key: string, value: Value, bytes: number): void {
    const hash = this.#hashOf(key) | 0;
    const held = this.#find(key, hash);
    if (bytes > this.#bytesMax) {
      if (held !== none) this.#remove(held);
      return;
    }
    if (held === none) this.#add(key, hash, value, bytes);
    else {
      this.#bytes += bytes - (this.#sizes[held] as number);
      this.#sizes[held] = bytes;
      this.#values[held] = value;
      this.#unlink(held);
      this.#link(held);
    }
    while (this.#bytes > this.#bytesMax) this.#remove(this.#newer[none] as number);
  }

  delete(key: string): void {
    const place = this.#find(key, this.#hashOf(key) | 0);
    if (place !== none) this.#remove(place);
  }

  #find(key: string, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let probe = 0; probe < probesMax; probe++) {
      const place = this.#slots[(hash + probe) & mask] as number;
      if (place === none) return none;
      if (this.#hashes[place] === hash && this.#keys[place] === key) return place;
    }
    return none;
  }

  #add(key: string, hash: number, value: Value, bytes: number): void {
    if (this.#items === this.#itemsMax) this.#remove(this.#newer[none] as number);
    if (this.#free === none && this.#keys.length === this.#hashes.length) this.#grow();
    const slot = this.#freeSlot(hash);
    if (slot === undefined) return;
    let place = this.#free;
    if (place === none) place = this.#keys.length;
    else this.#free = this.#older[place] as number;
    this.#slots[slot] = place;
    this.#hashes[place] = hash;
    this.#sizes[place] = bytes;
    this.#keys[place] = key;
    this.#values[place] = value;
    this.#link(place);
    this.#items++;
    this.#bytes += bytes;
  }

  #remove(place: number): void {
    this.#emptySlot(place);
    this.#drop(place);
  }

  /** Forgets a place that stands in no slot. */
  #drop(place: number): void {
    this.#unlink(place);
    this.#items--;
    this.#bytes -= this.#sizes[place] as number;
    this.#keys[place] = "";
    this.#values[place] = undefined;
    this.#older[place] = this.#free;
    this.#free = place;
  }

  #freeSlot(hash: number): number | undefined {
    const mask = this.#slots.length - 1;
    for (let probe = 0; probe < probesMax; probe++) {
      const slot = (hash + probe) & mask;
      if (this.#slots[slot] === none) return slot;
    }
    return undefined;
  }

  /** Takes a place out of its slot and moves what stands behind it nearer to where it is looked for, so that no search ends early. */
  #emptySlot(place: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let empty = (this.#hashes[place] as number) & mask;
    while (slots[empty] !== place) empty = (empty + 1) & mask;
    for (let slot = (empty + 1) & mask; slots[slot] !== none; slot = (slot + 1) & mask) {
      const moved = slots[slot] as number;
      const wanted = (this.#hashes[moved] as number) & mask;
      if (((slot - wanted) & mask) < ((slot - empty) & mask)) continue;
      slots[empty] = moved;
      empty = slot;
    }
    slots[empty] = none;
  }

  /** Puts a place at the end that was used last. */
  #link(place: number): void {
    const last = this.#older[none] as number;
    this.#older[place] = last;
    this.#newer[place] = none;
    this.#newer[last] = place;
    this.#older[none] = place;
  }

  #unlink(place: number): void {
    const newer = this.#newer[place] as number;
    const older = this.#older[place] as number;
    this.#older[newer] = older;
    this.#newer[older] = newer;
  }

  #grow(): void {
    const places = Math.min((this.#hashes.length - 1) * 2, this.#itemsMax) + 1;
    this.#hashes = widened(this.#hashes, places);
    this.#newer = widened(this.#newer, places);
    this.#older = widened(this.#older, places);
    this.#sizes = widened(this.#sizes, places);
    this.#slots = new Int32Array(slotCountFor(places));
    // The newest first: where somebody has made keys collide, it is the oldest that finds no slot.
    for (let place = this.#older[none] as number; place !== none; ) {
      const older = this.#older[place] as number;
      const slot = this.#freeSlot(this.#hashes[place] as number);
      if (slot === undefined) this.#drop(place);
      else this.#slots[slot] = place;
      place = older;
    }
  }
}

/** A power of two of which less than half is taken. */
function slotCountFor(places: number): number {
  return 2 ** Math.ceil(Math.log2(2 * places));
}

function widened(numbers: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(length);
  wider.set(numbers);
  return wider;
}
