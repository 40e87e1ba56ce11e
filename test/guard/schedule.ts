/** When each of a fixed number of things is due; the earliest is found at once. */
export interface Schedule {
  /** Infinity: never. */
  set(index: number, atMs: number): void;
  atMs(index: number): number;
  /** The index that is due first. */
  earliest(): number;
}

/** A schedule in which nothing is due: a tree of winners over `count` places. */
export function createSchedule(count: number): Schedule {
  let width = 1;
  while (width < count) width *= 2;
  const due = new Float64Array(width).fill(Infinity);
  const winners = new Int32Array(2 * width);
  for (let index = 0; index < width; index += 1) winners[width + index] = index;
  const play = (node: number): void => {
    const [left, right] = [winners[2 * node] ?? 0, winners[2 * node + 1] ?? 0];
    winners[node] = (due[left] ?? Infinity) <= (due[right] ?? Infinity) ? left : right;
  };
  for (let node = width - 1; node >= 1; node -= 1) play(node);
  return {
    set(index, atMs) {
      due[index] = atMs;
      for (let node = (width + index) >> 1; node >= 1; node >>= 1) play(node);
    },
    atMs: (index) => due[index] ?? Infinity,
    earliest: () => winners[1] ?? 0,
  };
}
