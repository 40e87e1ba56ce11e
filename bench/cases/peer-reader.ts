import { createDraws, hotIndices, keysOf } from "../data/draws.ts";
import { keyOf } from "../data/items.ts";
import { type ProcessMemory, processMemory } from "../measure/memory.ts";
import type { Peer, PeerName, PeerPlace } from "../peers/peer.ts";
import { createOwnClock } from "../measure/own-clock.ts";
import { serveCase } from "../processes/serve-case.ts";
import type { Reading, Round } from "./reading.ts";

/** What a process with a peer in it can be told. */
export interface PeerReaderSteps {
  load(input: {
    readonly peer: PeerName;
    readonly place: PeerPlace;
    readonly ndjson: string;
    readonly items: number;
  }): Promise<void>;
  read(input: Round): Promise<Reading>;
  memory(input: null): Promise<ProcessMemory>;
}

/** How many reads go out together, as many as the bench's request has. */
const pipelined = 20;

// Each process loads its own peer alone.
const makers: { readonly [Name in PeerName]: (place: PeerPlace, items: number) => Promise<Peer> } = {
  map: async () => (await import("../peers/map.ts")).createMapPeer(),
  "map-of-hot-keys": async (_, items) =>
    (await import("../peers/map.ts")).createMapPeer(new Set(hotIndices(items).map(keyOf))),
  slices: async () => (await import("../peers/slices.ts")).createSlicesPeer(),
  lmdb: async (place) => (await import("../peers/lmdb.ts")).createLmdbPeer(place),
  sqlite: async (place) => (await import("../peers/sqlite.ts")).createSqlitePeer(place),
  "redis-sequential": async (place) => (await import("../peers/redis.ts")).createRedisPeer(place, null),
  "redis-pipelined": async (place) => (await import("../peers/redis.ts")).createRedisPeer(place, pipelined),
};

let peer: Peer | undefined;
const ownClock = createOwnClock();
let draws = createDraws(1);

const steps: PeerReaderSteps = {
  async load({ peer: name, place, ndjson, items }) {
    peer = await makers[name](place, items);
    draws = createDraws(items);
    await peer.load(ndjson);
  },
  async read({ distribution, reads, seed }) {
    const keys = keysOf(draws.draw(distribution, reads, seed));
    globalThis.gc?.();
    const start = ownClock.now();
    const sum = (await peer?.read(keys)) ?? 0;
    return { ns: (ownClock.now() - start) / reads, sum };
  },
  memory: () => processMemory(),
};

serveCase({ ...steps });
