import {
  activeRelease,
  type Clock,
  canonicalJson,
  type Command,
  type Content,
  createDelta,
  decide,
  type Delta,
  defaultPlan,
  emptyState,
  type Event,
  evolve,
  type GuardConfig,
  type JsonValue,
  type LoggedEvent,
  type NamespaceState,
  own,
  type Plan,
  type ReleaseRequest,
  SluiceError,
} from "@sluice/core";
import type { RefusedRelease } from "@sluice/core/api";
import type { DatasetLines, Outcome, ReadableVersion, ReplicaCounts, Snapshot, SnapshotChange } from "@sluice/replica";
import type { ClientReplica } from "./client.ts";
import { createMemoryVersion } from "./memory-version.ts";

/** Items by key, as plain JSON. */
export type PlainItems = Readonly<Record<string, unknown>>;

/** How many views of a release were made, by the line that they were served. */
export interface Served {
  candidate: number;
  stable: number;
}

/** A whole namespace in memory, origin and follower in one: the release rules are core's own, only the network is left out. */
export interface MemoryReplica extends ClientReplica {
  /** What was counted, oldest first. */
  readonly outcomes: readonly Outcome[];
  /** Candidates that were refused, oldest first. */
  readonly refused: readonly RefusedRelease[];
  /** By `release/epoch`. */
  readonly served: ReadonlyMap<string, Served>;
  createDataset(dataset: string): void;
  /** Publishes a whole version. The first goes live, a later one is held, or starts at once where a request is given. */
  publish(dataset: string, items: PlainItems, request?: ReleaseRequest | null): void;
  /** Sets and removes items in both lines. */
  patch(dataset: string, items: PlainItems, remove?: readonly string[]): void;
  /** Any other command. Throws what it is rejected with. */
  command(command: Command): void;
  /** Id of the running or baking release. Throws RELEASE_UNKNOWN. */
  releaseOf(dataset: string): string;
  /** A revert that runs ahead of the log. */
  mark(release: string): void;
  setLease(held: boolean): void;
  setConnected(connected: boolean): void;
  /** While true, the versions of these datasets stand still though the log goes on: nothing new is prepared. */
  setUnprepared(dataset: string, unprepared: boolean): void;
  /** Takes the whole state up anew, as after a connection to an origin that has forgotten the way there. */
  reload(): void;
  /** While true, what happens is kept back, to arrive as one change: a follower that was cut off. Marks and leases come through. */
  setCutOff(cutOff: boolean): void;
}

const by = { kind: "person", name: "test" } as const;
const noDifference = { added: 0, removed: 0, changed: 0, unchanged: 0, examples: [] };
const noCounts: ReplicaCounts = {
  gaps: 0,
  mismatches: 0,
  wrongBlobs: 0,
  failedFetches: 0,
  corruptBlobs: 0,
  positionErrors: 0,
  lostBatches: 0,
  blobsInMemory: 0,
};
const noLines: DatasetLines = { stable: null, candidate: null };

/** Makes an empty namespace with a lease and a connection. `contentOf` is what an event says of a published version. */
export function createMemoryReplica({
  clock,
  contentOf = withoutParts,
  guard = {},
}: {
  readonly clock: Clock;
  /** Of every plan, beside the default guard's. */
  readonly guard?: Partial<GuardConfig>;
  readonly contentOf?: (version: ReadableVersion) => Content;
}): MemoryReplica {
  let state: NamespaceState = emptyState;
  let arrived: NamespaceState = emptyState;
  let isCutOff = false;
  let keptBack: LoggedEvent[] = [];
  /** The lines as the log has them. */
  let lines: ReadonlyMap<string, DatasetLines> = new Map();
  let snapshot: Snapshot = { log: "memory", state, datasets: new Map(), marks: new Set() };
  let isConnected = true;
  let leaseHeld = true;
  let lastContactAt = clock.now();
  let releases = 0;
  const unprepared = new Set<string>();
  const marks = new Set<string>();
  const listeners = new Set<(change: SnapshotChange) => void>();
  const outcomes: Outcome[] = [];
  const refused: RefusedRelease[] = [];
  const served = new Map<string, Served>();

  const linesOf = (dataset: string): DatasetLines => lines.get(dataset) ?? noLines;

  /** Shows what has arrived and is prepared, whole references in place of the old ones. */
  const swap = (events: readonly LoggedEvent[] | null, newMarks: readonly string[] = []): void => {
    const previous = snapshot;
    let datasets = previous.datasets;
    if (!isCutOff) {
      const prepared = new Map(lines);
      for (const dataset of unprepared) prepared.set(dataset, standing(previous, dataset));
      datasets = prepared;
      arrived = state;
    }
    const active = [...marks].filter((id) => own(arrived.releases, id)?.ended === null);
    snapshot = { log: "memory", state: arrived, datasets, marks: new Set(active) };
    const change = { snapshot, previous, events, marks: newMarks.map((release) => ({ release, at: clock.wall() })) };
    for (const listener of listeners) listener(change);
  };

  /** A version that stands still ends with its line all the same: nobody may read what the log has taken back. */
  const standing = (previous: Snapshot, dataset: string): DatasetLines => {
    const { stable, candidate } = previous.datasets.get(dataset) ?? noLines;
    const publish = own(state.datasets, dataset)?.candidate?.publish;
    const isSameLine = publish !== undefined && candidate !== null && candidate.number >= publish;
    return { stable, candidate: isSameLine ? candidate : null };
  };

  const apply = (command: Command, published?: ReadableVersion): void => {
    const decision = decide(state, { by, command }, clock.wall());
    if (decision.kind === "rejected") {
      throw new SluiceError(decision.code, decision.message, { details: decision.details });
    }
    if (decision.kind === "unchanged") return;
    const events: LoggedEvent[] = [];
    for (const decided of decision.events) {
      const logged = { ...decided, sequence: state.sequence + 1, at: clock.wall() };
      lines = moveLines(lines, state, logged.event, published);
      state = evolve(state, logged);
      events.push(logged);
    }
    if (isCutOff) keptBack.push(...events);
    else swap(events);
  };

  const replica: MemoryReplica = {
    outcomes,
    refused,
    served,
    snapshot: () => snapshot,
    async ready() {
      const missing = [...lines].filter(([, { stable }]) => stable === null).map(([dataset]) => dataset);
      if (missing.length === 0) return;
      throw new SluiceError("NOT_READY", `no version yet of ${missing.join(", ")}`, { details: { missing } });
    },
    connection: () => ({ url: "memory:", phase: isConnected ? "connected" : "waiting", error: null }),
    contactAgeMs: () => (isConnected ? 0 : clock.now() - lastContactAt),
    leaseHeld: () => leaseHeld,
    counts: () => noCounts,
    refuse: (refusal) => void refused.push(refusal),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      listeners.clear();
    },
    reporter: {
      outcome: (outcome) => void outcomes.push(outcome),
      served(release, epoch, line) {
        const key = `${release}/${epoch}`;
        const counts = served.get(key) ?? { candidate: 0, stable: 0 };
        counts[line] += 1;
        served.set(key, counts);
      },
    },
    createDataset(dataset) {
      apply({
        type: "create-dataset",
        dataset,
        policy: "canary",
        plan: { ...handPlan, guard: { ...handPlan.guard, ...guard } },
        checks: [],
      });
    },
    publish(dataset, items, request = null) {
      const { lastNumber = 0, stable = null } = own(state.datasets, dataset) ?? {};
      const version = createMemoryVersion(lastNumber + 1, new Map(deltaOf(items, []).set));
      releases += 1;
      const command: Command = {
        type: "publish",
        dataset,
        content: contentOf(version),
        origin: { source: null, bytesHash: version.contentHash },
        comparedWith: stable?.publish ?? null,
        parent: stable?.number ?? null,
        difference: noDifference,
        warnings: [],
        changes: null,
        linesWithContent: [],
        quarantinedChanges: null,
        request,
        draw: { release: `release-${releases}`, salt: `salt-${releases}` },
      };
      apply(command, version);
    },
    patch(dataset, items, remove = []) {
      const { stable, candidate } = linesOf(dataset);
      const delta = deltaOf(items, remove);
      apply({
        type: "patch",
        dataset,
        stable: stable?.measure(delta) ?? { contentHash: "", items: 0 },
        candidate: candidate?.measure(delta) ?? null,
        delta,
        candidateDelta: null,
        differingKeys: [],
        bothLines: true,
      });
    },
    command(command) {
      apply(command);
    },
    releaseOf(dataset) {
      const release = activeRelease(state, dataset);
      if (release === undefined) throw new SluiceError("RELEASE_UNKNOWN", `${dataset} has no running release`);
      return release.id;
    },
    mark(release) {
      marks.add(release);
      swap([], [release]);
    },
    setLease(held) {
      leaseHeld = held;
    },
    setConnected(connected) {
      isConnected = connected;
      lastContactAt = clock.now();
    },
    setUnprepared(dataset, isUnprepared) {
      if (isUnprepared) unprepared.add(dataset);
      else unprepared.delete(dataset);
      swap([]);
    },
    reload() {
      keptBack = [];
      isCutOff = false;
      swap(null);
    },
    setCutOff(cutOff) {
      isCutOff = cutOff;
      if (cutOff) return;
      const events = keptBack;
      keptBack = [];
      swap(events);
    },
  };
  return replica;
}

const handPlan: Plan = {
  steps: [{ thousandths: 50_000, holdMs: 60_000 }],
  automatic: false,
  bakeMs: 60_000,
  guard: defaultPlan.guard,
  alerts: [],
  queries: [],
  promotion: null,
  requiredApps: [],
};

/** The versions after one event; `published` is what a publish among the events brings. */
function moveLines(
  lines: ReadonlyMap<string, DatasetLines>,
  state: NamespaceState,
  event: Event,
  published: ReadableVersion | undefined,
): ReadonlyMap<string, DatasetLines> {
  const move = (dataset: string, change: (lines: DatasetLines) => DatasetLines): ReadonlyMap<string, DatasetLines> =>
    new Map(lines).set(dataset, change(lines.get(dataset) ?? noLines));
  const { type } = event;
  if (type === "dataset-created") return move(event.dataset, () => noLines);
  if (type === "version-published") {
    const version = published ?? null;
    return move(event.dataset, ({ stable }) =>
      event.live ? { stable: version, candidate: null } : { stable, candidate: version },
    );
  }
  if (type === "patched") {
    const { delta, stable, candidate } = event;
    return move(event.dataset, (before) => ({
      stable: before.stable?.with(delta, stable) ?? null,
      candidate: candidate === null ? before.candidate : (before.candidate?.with(delta, candidate) ?? null),
    }));
  }
  if (type === "release-completed" || type === "release-reverted" || type === "release-superseded") {
    const dataset = own(state.releases, event.release)?.dataset;
    if (dataset === undefined) return lines;
    const isCompleted = type === "release-completed";
    return move(dataset, ({ stable, candidate }) => ({ stable: isCompleted ? candidate : stable, candidate: null }));
  }
  return lines;
}

function deltaOf(items: PlainItems, remove: readonly string[]): Delta {
  return createDelta(
    Object.entries(items).map(([key, value]) => [key, canonicalJson(value as JsonValue)]),
    remove,
  );
}

function withoutParts({ base, contentHash, items }: ReadableVersion): Content {
  return { base, overlay: null, contentHash, items };
}
