import { readFileSync } from "node:fs";
import { LRUCache } from "lru-cache";
import { type Price, parseLine } from "../data/items.ts";
import type { Peer } from "./peer.ts";
import { sumOf } from "./sum.ts";

/** As many as the SDK keeps decoded. */
const parsedMax = 100_000;

/** The whole file in memory, where each key's line lies, and lru-cache over the lines that were parsed. */
export function createSlicesPeer(): Peer {
  const places = new Map<string, number>();
  const parsed = new LRUCache<string, Price>({ max: parsedMax });
  let bytes: Buffer = Buffer.alloc(0);

  function get(key: string): Price | undefined {
    const known = parsed.get(key);
    if (known !== undefined) return known;
    const start = places.get(key);
    if (start === undefined) return undefined;
    const { value } = parseLine(bytes.subarray(start, bytes.indexOf(10, start)));
    parsed.set(key, value);
    return value;
  }

  return {
    load(ndjson) {
      bytes = readFileSync(ndjson);
      for (let start = 0; start < bytes.length; start = bytes.indexOf(10, start) + 1) {
        const { key } = parseLine(bytes.subarray(start, bytes.indexOf(10, start)));
        places.set(key, start);
      }
    },
    read: (keys) => sumOf(keys, get),
  };
}
