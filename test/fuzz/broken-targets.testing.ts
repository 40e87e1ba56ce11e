import type { Target } from "./target.ts";

/** Decoders that each do one thing which no decoder may do, with their fifth input. */
export async function createBrokenTargets(): Promise<readonly Target[]> {
  return [
    broken("throws", () => {
      throw new TypeError("undefined is not a function");
    }),
    broken("hangs", () => {
      for (;;) Math.random();
    }),
    broken("buffers", () => {
      kept.push(new Uint8Array(50_000_000));
    }),
    broken("heap", () => {
      const lists: unknown[] = [];
      for (;;) lists.push(Array.from({ length: 1_000 }, () => ({})));
    }),
    broken("sound", () => {}),
  ];
}

const kept: Uint8Array[] = [];

function broken(name: string, fail: () => void): Target {
  let taken = 0;
  return {
    name,
    weight: 1,
    input: (random) => Buffer.of(random.int(256)),
    take() {
      taken++;
      if (taken === 5) fail();
    },
    bytesMax: () => 1_000_000,
  };
}
