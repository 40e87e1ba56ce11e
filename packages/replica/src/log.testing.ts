import {
  type BaseRef,
  buildLayer,
  buildPart,
  type Clock,
  type Content,
  canonicalJson,
  createContentHash,
  createDelta,
  type Delta,
  defaultPlan,
  emptyState,
  type Event,
  evolve,
  hiddenBy,
  type JsonValue,
  type LoggedEvent,
  murmur3,
  type NamespaceState,
  own,
  partIndexOf,
  SluiceError,
  sumOfBase,
} from "@sluice/core";
import type { LineContents } from "@sluice/core/api";
import type { Blobs } from "./blobs.ts";
import { createLines, type Lines } from "./lines.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { createShelf } from "./shelf.ts";
import type { ReadableVersion } from "./version.ts";

const by = { kind: "person", name: "test" } as const;
const noDifference = { added: 0, removed: 0, changed: 0, unchanged: 0, examples: [] };

export type Items = ReadonlyMap<string, JsonValue>;

/** Builds the parts of a version and keeps them. */
export async function putContent(blobs: Blobs, items: Items, partCount = 2): Promise<Content> {
  const split = Array.from({ length: partCount }, (): { key: string; canonical: string }[] => []);
  for (const [key, value] of items) {
    split[partIndexOf(murmur3(key), partCount)]?.push({ key, canonical: canonicalJson(value) });
  }
  const sum = createContentHash();
  const parts: BaseRef["parts"][number][] = [];
  for (const some of split) {
    const { bytes, name, itemCount, contentHash } = buildPart(some);
    await blobs.put(name, bytes);
    sum.addHash(contentHash);
    parts.push({ name, bytes: bytes.byteLength, items: itemCount, contentHash });
  }
  return { base: { parts, layers: [] }, overlay: null, contentHash: sum.hex(), items: items.size };
}

/** Both lines of a dataset as plain maps. */
export interface Model {
  readonly stable: Items | null;
  readonly candidate: Items | null;
}

/** A log with everything local, and beside it what its datasets should read as. */
export interface TestLog {
  readonly id: string;
  readonly blobs: Blobs;
  readonly lines: Lines;
  readonly events: readonly LoggedEvent[];
  readonly state: () => NamespaceState;
  readonly models: () => ReadonlyMap<string, Model>;
  readonly contents: () => Promise<Record<string, LineContents>>;
  readonly append: (event: Event) => LoggedEvent;
  readonly create: (dataset: string) => LoggedEvent;
  /** A version that goes live, or is held. */
  readonly publish: (dataset: string, items: Items, live: boolean, partCount?: number) => Promise<LoggedEvent>;
  /** Sets and removes items in both lines. */
  readonly patch: (dataset: string, set: Items, remove?: readonly string[]) => LoggedEvent;
  /** Flushes the overlay that a line has, or had at an earlier version, into a layer. */
  readonly rebase: (
    dataset: string,
    line: "stable" | "candidate",
    version?: ReadableVersion | null,
  ) => Promise<LoggedEvent>;
  /** Starts a release of the held candidate. */
  readonly release: (dataset: string, id: string, thousandths?: number) => LoggedEvent;
}

/** Starts an empty log. */
export function createTestLog({ clock, id = "log-1" }: { clock: Clock; id?: string }): TestLog {
  const blobs = createMemoryBlobs();
  const shelf = createShelf({ blobs, clock });
  const lines = createLines({
    shelf,
    onFault: ({ error }) => {
      throw error;
    },
  });
  const events: LoggedEvent[] = [];
  const models = new Map<string, Model>();
  let state: NamespaceState = emptyState;

  const append = (event: Event): LoggedEvent => {
    const logged: LoggedEvent = { sequence: state.sequence + 1, at: clock.wall(), by, event };
    const before = state;
    state = evolve(before, logged);
    lines.fold(before, logged, state);
    events.push(logged);
    remodel(models, before, logged.event);
    return logged;
  };

  return {
    id,
    blobs,
    lines,
    events,
    state: () => state,
    models: () => models,
    async contents() {
      const contents: Record<string, LineContents> = {};
      for (const [dataset, { stable, candidate }] of lines.current()) {
        contents[dataset] = {
          stable: stable?.content() ?? null,
          candidate: candidate?.content() ?? null,
        };
      }
      return contents;
    },
    append,
    create: (dataset) => append({ type: "dataset-created", dataset, policy: "canary", plan: defaultPlan, checks: [] }),
    async publish(dataset, items, live, partCount) {
      const content = await putContent(blobs, items, partCount);
      const known = own(state.datasets, dataset);
      const logged = append({
        type: "version-published",
        dataset,
        number: (known?.lastNumber ?? 0) + 1,
        parent: known?.stable?.number ?? null,
        content,
        origin: { source: null, bytesHash: content.contentHash },
        difference: noDifference,
        warnings: [],
        changes: null,
        quarantinedChanges: null,
        live,
      });
      const model = models.get(dataset) ?? { stable: null, candidate: null };
      models.set(dataset, live ? { ...model, stable: items } : { ...model, candidate: items });
      return logged;
    },
    patch(dataset, set, remove = []) {
      const { stable, candidate } = lines.current().get(dataset) ?? { stable: null, candidate: null };
      if (stable === null) throw new SluiceError("VERSION_NONE", "nothing to patch");
      const delta: Delta = createDelta(
        [...set].map(([key, value]) => [key, canonicalJson(value)]),
        remove,
      );
      const number = (own(state.datasets, dataset)?.lastNumber ?? 0) + 1;
      const logged = append({
        type: "patched",
        dataset,
        stable: { number, ...stable.measure(delta) },
        candidate: candidate === null ? null : { number: number + 1, ...candidate.measure(delta) },
        delta,
        candidateDelta: null,
      });
      const model = models.get(dataset) ?? { stable: null, candidate: null };
      models.set(dataset, {
        stable: patched(model.stable, set, remove),
        candidate: patched(model.candidate, set, remove),
      });
      return logged;
    },
    async rebase(dataset, line, version = lines.current().get(dataset)?.[line] ?? null) {
      const publish = own(state.datasets, dataset)?.[line]?.publish;
      if (version === null || publish === undefined) throw new SluiceError("VERSION_NONE", "nothing to flush");
      const { name, bytes, recordCount, itemCount, contentHash } = buildLayer(
        [...version.overlay()].map(([key, canonical]) => ({ key, canonical: canonical ?? null })),
      );
      await blobs.put(name, bytes);
      const facts = { name, bytes: bytes.byteLength, records: recordCount, items: itemCount, contentHash };
      const layer = { ...facts, hidden: hiddenBy(facts, sumOfBase(version.base), version) };
      return append({
        type: "rebased",
        dataset,
        publish,
        number: version.number,
        base: { ...version.base, layers: [...version.base.layers, layer] },
        contentHash: version.contentHash,
        items: version.items,
      });
    },
    release: (dataset, id, thousandths = 5_000) =>
      append({
        type: "release-started",
        release: id,
        dataset,
        salt: id,
        plan: defaultPlan,
        thousandths,
        acceptQuarantined: false,
      }),
  };
}

function remodel(models: Map<string, Model>, before: NamespaceState, event: Event): void {
  if (event.type !== "release-completed" && event.type !== "release-reverted" && event.type !== "release-superseded")
    return;
  const dataset = own(before.releases, event.release)?.dataset ?? "";
  const { stable, candidate } = models.get(dataset) ?? { stable: null, candidate: null };
  models.set(dataset, { stable: event.type === "release-completed" ? candidate : stable, candidate: null });
}

function patched(items: Items | null, set: Items, remove: readonly string[]): Items | null {
  if (items === null) return null;
  const after = new Map([...items, ...set]);
  for (const key of remove) after.delete(key);
  return after;
}

/** A version's items as a plain map. */
export function readAll(version: { entries(): Iterable<readonly [string, string]> } | null): Items | null {
  return version === null
    ? null
    : new Map([...version.entries()].map(([key, text]) => [key, JSON.parse(text) as JsonValue]));
}
