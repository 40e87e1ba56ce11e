import { murmur3 } from "./murmur3.ts";

/** The keys that a reader has seen, each with the line on which it came first. */
export interface KeySet {
  /** Puts a key in and returns 0, or the line on which the same key came first. `line` counts from 1. */
  add(key: string, line: number): number;
}

const slotWords = 4;
const firstSlots = 64;
const tableBits = 6;

/**
 * A set of keys that keeps 96 bits of hash and a line number for each, 16 to 32 bytes outside of the heap, because an
 * upload has no limit on items and a `Set` of ten million strings is a gigabyte. Two different keys among a million
 * are taken for one with a probability of 10^-17. It lies in 64 tables that grow by themselves: to move ten million keys at
 * once would hold up the thread for a second.
 */
export function createKeySet(): KeySet {
  const tables = Array.from({ length: 1 << tableBits }, createTable);
  return {
    add(key, line) {
      const a = murmur3(key, 0x1b87);
      const b = murmur3(key, 0x2c54);
      const c = murmur3(key, 0x3f21);
      return (tables[b >>> (32 - tableBits)] as Table).add(a, b, c, line);
    },
  };
}

interface Table {
  add(a: number, b: number, c: number, line: number): number;
}

function createTable(): Table {
  let slots = new Uint32Array(firstSlots * slotWords);
  let used = 0;

  const grow = (): void => {
    const old = slots;
    slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += slotWords) {
      if (old[at + 3] !== 0)
        put(old[at] as number, old[at + 1] as number, old[at + 2] as number, old[at + 3] as number);
    }
  };

  /** The word at which a key stands or would stand. */
  const place = (a: number, b: number, c: number): number => {
    let at = (a % (slots.length / slotWords)) * slotWords;
    while (slots[at + 3] !== 0 && !(slots[at] === a && slots[at + 1] === b && slots[at + 2] === c)) {
      at = at + slotWords === slots.length ? 0 : at + slotWords;
    }
    return at;
  };

  /** Puts a key in where there is none, and returns the line that stands there. */
  const put = (a: number, b: number, c: number, line: number): number => {
    const at = place(a, b, c);
    const first = slots[at + 3] as number;
    if (first !== 0) return first;
    slots[at] = a;
    slots[at + 1] = b;
    slots[at + 2] = c;
    slots[at + 3] = line;
    return 0;
  };

  return {
    add(a, b, c, line) {
      const first = put(a, b, c, line);
      if (first !== 0) return first;
      used++;
      if (used * slotWords * 2 > slots.length) grow();
      return 0;
    },
  };
}
