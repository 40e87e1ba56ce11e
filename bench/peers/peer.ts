/** Another way to keep a million items, read as an application would read it. */
export interface Peer {
  /** Takes in every line of a file of NDJSON. */
  load(ndjson: string): Promise<void> | void;
  /** Gives the prices of the keys, added up, and reads one after the other. */
  read(keys: readonly string[]): Promise<number> | number;
}

/** What a peer is made with. */
export interface PeerPlace {
  /** A directory of its own. */
  readonly directory: string;
  /** Of a Redis server. */
  readonly port: number;
}

/** What peers of the bench there are. */
export const peerNames = [
  "map",
  "map-of-hot-keys",
  "slices",
  "lmdb",
  "sqlite",
  "redis-sequential",
  "redis-pipelined",
] as const;

export type PeerName = (typeof peerNames)[number];
