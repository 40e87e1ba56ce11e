import { linesOf, type Price, parseLine } from "../data/items.ts";
import { sumOf } from "./sum.ts";
import type { Peer } from "./peer.ts";

/** A `Map` of parsed objects; of those alone that are asked for, where `only` is given. */
export function createMapPeer(only?: ReadonlySet<string>): Peer {
  const map = new Map<string, Price>();
  return {
    load(ndjson) {
      for (const line of linesOf(ndjson)) {
        const { key, value } = parseLine(line);
        if (only === undefined || only.has(key)) map.set(key, value);
      }
    },
    read: (keys) => sumOf(keys, (key) => map.get(key)),
  };
}
