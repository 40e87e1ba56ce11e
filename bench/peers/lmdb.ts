import { open } from "lmdb";
import { linesOf, type Price, parseLine } from "../data/items.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import { sumOf } from "./sum.ts";

const batchItems = 10_000;

/** lmdb with its own defaults (MessagePack values) and its plain, synchronous `get`. */
export function createLmdbPeer({ directory }: PeerPlace): Peer {
  const database = open<Price, string>({ path: directory });
  return {
    async load(ndjson) {
      let last: Promise<boolean> | undefined;
      let waiting = 0;
      for (const line of linesOf(ndjson)) {
        const { key, value } = parseLine(line);
        last = database.put(key, value);
        if (++waiting % batchItems === 0) await last;
      }
      await last;
    },
    read: (keys) => sumOf(keys, (key) => database.get(key)),
  };
}
