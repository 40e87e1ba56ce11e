import { murmur3 } from "./murmur3.ts";

/** The keys that a reader has seen, each with the line on which it came first. */
export interface KeySet {
  /** Puts a key in and returns 0, or the line on which the same key came first. `line` counts from 1. */
  add(key: string, line: number): number;
}

const slotWords = 4;
const firstSlots = 1024;

/**
 * A set of keys that keeps 96 bits of hash and a line number for each, 16 to 32 bytes outside of the heap, because an
 * upload has no limit on items and a `Set` of ten million strings is a gigabyte. Two different keys among a million
 * are taken for one with a probability of 10^-17.
 */
export function createKeySet(): KeySet {
  let slots = new Uint32Array(firstSlots * slotWords);
  let used = 0;

  /** The word at which a key stands or would stand. */
  const place = (words: Uint32Array, a: number, b: number, c: number): number => {
    let at = (a % (words.length / slotWords)) * slotWords;
    while (words[at + 3] !== 0 && !(words[at] === a && words[at + 1] === b && words[at + 2] === c)) {
      at = at + slotWords === words.length ? 0 : at + slotWords;
    }
    return at;
  };

  const grow = (): void => {
    const wider = new Uint32Array(slots.length * 2);
    for (let at = 0; at < slots.length; at += slotWords) {
      if (slots[at + 3] === 0) continue;
      const target = place(wider, slots[at] as number, slots[at + 1] as number, slots[at + 2] as number);
      wider.set(slots.subarray(at, at + slotWords), target);
    }
    slots = wider;
  };

  return {
    add(key, line) {
      const a = murmur3(key, 0x1b87);
      const b = murmur3(key, 0x2c54);
      const c = murmur3(key, 0x3f21);
      const at = place(slots, a, b, c);
      const first = slots[at + 3] as number;
      if (first !== 0) return first;
      slots.set([a, b, c, line], at);
      used++;
      if (used * slotWords * 2 > slots.length) grow();
      return 0;
    },
  };
}
