import { type Event, type NamespaceState, own } from "@sluice/core";
import type { SnapshotChange } from "@sluice/replica";

/** What the patches of a change made of one line: from one content to another by changing these keys and no others. */
export interface LineChain {
  /** Content hash that the line had. */
  readonly from: string;
  /** Content hash that it has. */
  readonly to: string;
  readonly keys: ReadonlySet<string>;
}

interface OpenChain {
  readonly from: string;
  to: string;
  readonly keys: Set<string>;
}

const noKeys: ReadonlySet<string> = new Set();

/**
 * Follows the two lines of a dataset through the events of a change. A version held here may be older or newer than the log's
 * position, so a chain proves nothing by its place: it is taken only where its content hashes are those of the versions held.
 */
export function chainsOf(dataset: string, { events, previous, snapshot }: SnapshotChange): readonly LineChain[] {
  if (events === null) return [];
  const before = own(previous.state.datasets, dataset);
  let stable = openChain(before?.stable?.contentHash);
  let candidate = openChain(before?.candidate?.contentHash);
  for (const { event } of events) {
    const concerned = datasetOf(event, snapshot.state);
    if (concerned === "any") return [];
    if (concerned !== dataset) continue;
    const { type } = event;
    if (type === "patched") {
      stable = extend(stable, event.stable.contentHash, event.delta);
      candidate = extend(candidate, event.candidate?.contentHash, event.candidateDelta ?? event.delta);
    } else if (type === "version-published") {
      if (event.live) stable = undefined;
      else candidate = undefined;
    } else if (type === "version-restored") {
      // An older content: the patches behind it lead on from that one.
      stable = undefined;
      candidate = undefined;
    } else if (type === "release-completed") {
      stable = candidate;
      candidate = undefined;
    } else if (type === "release-reverted" || type === "release-superseded") {
      candidate = undefined;
    }
  }
  return [stable, candidate].filter((chain) => chain !== undefined);
}

/** The keys that may differ between two contents; undefined where that is not known. */
export function keysBetween(from: string, to: string, chains: readonly LineChain[]): ReadonlySet<string> | undefined {
  if (from === to) return noKeys;
  return chains.find((chain) => chain.from === from && chain.to === to)?.keys;
}

function openChain(contentHash: string | undefined): OpenChain | undefined {
  return contentHash === undefined ? undefined : { from: contentHash, to: contentHash, keys: new Set() };
}

function extend(
  chain: OpenChain | undefined,
  contentHash: string | undefined,
  { set, remove }: Extract<Event, { type: "patched" }>["delta"],
): OpenChain | undefined {
  if (chain === undefined || contentHash === undefined) return undefined;
  for (const [key] of set) chain.keys.add(key);
  for (const key of remove) chain.keys.add(key);
  chain.to = contentHash;
  return chain;
}

/** The dataset whose lines an event may change; `any` where it is about an ended release that the state has forgotten. */
function datasetOf(event: Event, state: NamespaceState): string | null {
  if ("dataset" in event) return event.dataset;
  if (!("release" in event) || event.release === null) return null;
  return own(state.releases, event.release)?.dataset ?? "any";
}
