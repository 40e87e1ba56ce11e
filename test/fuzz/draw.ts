import { createRandom } from "../simulation/random.ts";
import type { Target } from "./target.ts";

/** The input of a place in a run: the same for the same seed, whoever asks, so that one that killed its worker can be made again. */
export function drawInput(target: Target, seed: number, index: number): Uint8Array {
  return target.input(createRandom(seed).fork(`${target.name}/${index}`));
}
