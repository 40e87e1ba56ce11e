import { readFileSync, writeFileSync } from "node:fs";
import type { Random } from "../simulation/random.ts";

/** Flips one bit of a file, anywhere or from a position on; gives the position of its byte. */
export function flipBit(path: string, random: Random, from = 0): number {
  const bytes = readFileSync(path);
  const at = from + random.int(bytes.length - from);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
  writeFileSync(path, bytes);
  return at;
}
