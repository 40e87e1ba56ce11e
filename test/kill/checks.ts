import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { canonicalJson, createContentHash, itemHash, type JsonValue } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { hash } from "node:crypto";
import type { Model } from "./model.ts";

/** A line of a dataset as somebody says it is. */
export interface Told {
  readonly dataset: string;
  readonly version: number;
  readonly contentHash?: string;
  readonly items?: number;
}

/** What is wrong with what was told of a dataset; null where a version of it is exactly that. */
export function faultOf(model: Model, { version, contentHash, items }: Told): string | null {
  const expected = model.hashOf(version);
  if (expected === undefined) return `${model.dataset} v${version} was never made, the newest is v${model.newest()}`;
  if (expected === contentHash) return null;
  return `${model.dataset} v${version} reads as ${items} items of content ${contentHash}, it was made as ${expected}`;
}

/** The stable line of every dataset, as the state of an instance says. Null where it does not answer. */
export async function stateOf(url: string): Promise<ReadonlyMap<string, Told> | null> {
  const state = (await answerOf(`${url}/v1/state`)) as {
    state: { datasets: Record<string, { stable: { number: number; contentHash: string; items: number } | null }> };
  } | null;
  if (state === null) return null;
  return new Map(
    Object.entries(state.state.datasets).flatMap(([dataset, { stable }]) =>
      stable === null
        ? []
        : [[dataset, { dataset, version: stable.number, contentHash: stable.contentHash, items: stable.items }]],
    ),
  );
}

/** Reads keys in one batch and says which version that was and what of each key is there. Null where nobody answers. */
async function readBatch(
  url: string,
  dataset: string,
  keys: readonly string[],
): Promise<{ version: number; items: Record<string, JsonValue> } | null> {
  const body = JSON.stringify({ keys });
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  return (await answerOf(`${url}/v1/datasets/${dataset}/items`, init)) as {
    version: number;
    items: Record<string, JsonValue>;
  } | null;
}

/** Reads all of a dataset's keys through an instance, in batches of one version; null where that was not to be had. */
export async function readWhole(url: string, dataset: string, keys: readonly string[]): Promise<Told | null> {
  const sum = createContentHash();
  let version: number | null = null;
  let items = 0;
  for (let start = 0; start < keys.length; start += 1_000) {
    const batch = await readBatch(url, dataset, keys.slice(start, start + 1_000));
    if (batch === null || (version !== null && batch.version !== version)) return null;
    version = batch.version;
    for (const [key, value] of Object.entries(batch.items)) {
      sum.add(itemHash(key, canonicalJson(value)));
      items++;
    }
  }
  return version === null ? null : { dataset, version, contentHash: sum.hex(), items };
}

/** What the status of an instance complains of. Null where it does not answer. */
export async function complaintsOf(url: string): Promise<readonly string[] | null> {
  const status = (await answerOf(`${url}/v1/status`)) as StatusAnswer | null;
  return status === null ? null : status.datasets.flatMap(({ health }) => health.reasons);
}

/** Files among the blobs of a directory whose bytes are not what their names say. */
export function wrongBlobs(directory: string): readonly string[] {
  return globSync(join(directory, "blobs/??/*")).filter((path) => {
    const name = basename(path);
    return !/^[0-9a-f]{64}$/.test(name) || hash("sha256", readFileSync(path)) !== name;
  });
}

async function answerOf(url: string, init: RequestInit = {}): Promise<unknown> {
  try {
    const response = await fetch(url, init);
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    const { code } = answer as { code?: string };
    // What is being prepared, or is not yet there, is no answer; what is damaged is one.
    if (code === "NOT_READY" || code === "DATASET_UNKNOWN" || code === "VERSION_NONE" || code === "STORE_UNAVAILABLE")
      return null;
    throw new Error(`${url} was answered ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}
