import { createReadStream } from "node:fs";
import { createNdjsonReader, createObjectReader, isSluiceError, type ReadItem, SluiceError } from "@sluice/core";
import type { ReadableVersion, Replica, Snapshot } from "@sluice/replica";
import { createMemoryVersion } from "./memory-version.ts";

/** Number of a version that came from a bootstrap file; published ones begin at 1. */
const bootstrapNumber = 0;

/** How a replica comes to its first versions. */
export interface FirstVersions {
  readonly datasets: readonly string[];
  /** Paths of files by dataset. */
  readonly bootstrap: Readonly<Record<string, string>>;
  readonly waitForReady: boolean;
  readonly readyTimeoutMs: number;
}

/**
 * Waits for the replica, then takes what is missing from the bootstrap files. Gives the versions that came from files.
 * Throws NOT_READY where a dataset has neither, and what `readBootstrap` throws.
 */
export async function waitOrBootstrap(
  replica: Pick<Replica, "ready" | "snapshot">,
  { datasets, bootstrap, waitForReady, readyTimeoutMs }: FirstVersions,
): Promise<ReadonlyMap<string, ReadableVersion>> {
  const versions = new Map<string, ReadableVersion>();
  try {
    if (waitForReady) {
      await replica.ready(readyTimeoutMs);
      return versions;
    }
  } catch (error) {
    const isCovered = missingOf(replica, datasets).every((dataset) => Object.hasOwn(bootstrap, dataset));
    if (!isSluiceError(error, "NOT_READY") || !isCovered) throw error;
  }
  for (const dataset of missingOf(replica, datasets)) {
    const path = Object.hasOwn(bootstrap, dataset) ? bootstrap[dataset] : undefined;
    if (path !== undefined) versions.set(dataset, await readBootstrap(path));
  }
  return versions;
}

/**
 * Reads a whole version into memory: a `.json` file as one object of key to value, any other as NDJSON of `{"key", "value"}`.
 * Throws INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY or LIMIT_EXCEEDED with the first fault and its line, NOT_READY where there is no such file.
 */
export async function readBootstrap(path: string): Promise<ReadableVersion> {
  const reader = path.endsWith(".json") ? createObjectReader() : createNdjsonReader();
  const items = new Map<string, string>();
  const take = (read: readonly ReadItem[]): void => {
    for (const item of read) {
      if (item.kind === "item") items.set(item.key, item.canonical);
      else
        throw new SluiceError(item.code, `${path} line ${item.line}: ${item.reason}`, { details: { path, ...item } });
    }
  };
  try {
    for await (const chunk of createReadStream(path)) take(reader.push(chunk as Uint8Array));
    take(reader.end());
  } catch (error) {
    if (isSluiceError(error)) throw error;
    throw new SluiceError("NOT_READY", `the bootstrap file ${path} cannot be read`, { cause: error });
  }
  return createMemoryVersion(bootstrapNumber, items);
}

/** The replica as a client sees it until published versions have come: a dataset of which nothing is here has its bootstrap version. */
export function withBootstrap(replica: Replica, versions: ReadonlyMap<string, ReadableVersion>): Replica {
  if (versions.size === 0) return replica;
  const fill = (snapshot: Snapshot): Snapshot => {
    const lacking = [...versions].filter(([dataset]) => isMissing(snapshot, dataset));
    if (lacking.length === 0) return snapshot;
    const datasets = new Map(snapshot.datasets);
    for (const [dataset, stable] of lacking) datasets.set(dataset, { stable, candidate: null });
    return { ...snapshot, datasets };
  };
  return {
    ...replica,
    snapshot: () => fill(replica.snapshot()),
    subscribe: (listener) =>
      replica.subscribe((change) =>
        listener({ ...change, snapshot: fill(change.snapshot), previous: fill(change.previous) }),
      ),
  };
}

function missingOf(replica: Pick<Replica, "snapshot">, datasets: readonly string[]): readonly string[] {
  return datasets.filter((dataset) => isMissing(replica.snapshot(), dataset));
}

function isMissing({ datasets }: Snapshot, dataset: string): boolean {
  const lines = datasets.get(dataset);
  return lines === undefined || (lines.stable === null && lines.candidate === null);
}
