import { Redis } from "ioredis";
import { linesOf, type Price, parseLine } from "../data/items.ts";
import type { Peer, PeerPlace } from "./peer.ts";

const batchItems = 10_000;

/** Redis over loopback and JSON.parse of what it gives: each read waits for the one before, or `pipelined` of them go out together. */
export function createRedisPeer({ port }: PeerPlace, pipelined: number | null): Peer {
  const redis = new Redis({ host: "127.0.0.1", port });
  return {
    async load(ndjson) {
      if ((await redis.dbsize()) > 0) return;
      let batch: string[] = [];
      for (const line of linesOf(ndjson)) {
        const { key, value } = parseLine(line);
        batch.push(key, JSON.stringify(value));
        if (batch.length >= batchItems * 2) {
          await redis.mset(batch);
          batch = [];
        }
      }
      if (batch.length > 0) await redis.mset(batch);
    },
    async read(keys) {
      let sum = 0;
      for (let at = 0; at < keys.length; at += pipelined ?? 1) {
        for (const text of await texts(keys, at)) if (text !== null) sum += (JSON.parse(text) as Price).price;
      }
      return sum;
    },
  };

  async function texts(keys: readonly string[], at: number): Promise<readonly (string | null)[]> {
    if (pipelined === null) return [await redis.get(keys[at] ?? "")];
    const pipeline = redis.pipeline();
    for (const key of keys.slice(at, at + pipelined)) pipeline.get(key);
    return (await pipeline.exec())?.map(([, text]) => text) ?? [];
  }
}
