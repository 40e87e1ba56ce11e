/** Chance that is a function of a seed. */
export interface Random {
  /** 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `below`. */
  int(below: number): number;
  between(min: number, max: number): number;
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** Chance of its own for a part of the world, so that a draw more in one part shifts no draw of another. */
  fork(name: string): Random;
}

/** Makes chance from a seed of 32 bits: a counter, well mixed. */
export function createRandom(seed: number): Random {
  let counter = seed >>> 0;
  const random: Random = {
    next() {
      counter = (counter + 0x9e3779b9) >>> 0;
      return mix(counter) / 0x1_0000_0000;
    },
    int: (below) => Math.floor(random.next() * below),
    between: (min, max) => min + random.next() * (max - min),
    chance: (probability) => random.next() < probability,
    pick(list) {
      const index = random.int(list.length);
      if (!(index in list)) throw new Error("nothing to pick from");
      return list[index] as (typeof list)[number];
    },
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>) {
      const entries = Object.entries<number>(weights);
      let left = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      const found = entries.find(([, weight]) => {
        left -= weight;
        return left < 0;
      });
      return (found ?? entries[0])?.[0] as Name;
    },
    fork: (name) => createRandom(Buffer.from(name).reduce((sum, byte) => mix(sum ^ byte), mix(seed))),
  };
  return random;
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x7feb352d);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
