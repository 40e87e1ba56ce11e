/** Gives numbers from 0 to below 1 that depend on the seed alone (mulberry32, as in its public-domain description). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mix(state) / 4_294_967_296;
  };
}

/** A well mixed number of 32 bits for each combination of numbers, so that one item can be made without those before it. */
export function mixed(...numbers: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const number of numbers) state = mix((state ^ number) >>> 0);
  return state;
}

function mix(value: number): number {
  let state = Math.imul(value ^ (value >>> 15), value | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return (state ^ (state >>> 14)) >>> 0;
}
