import { createHash } from "node:crypto";
import type { Clock, Command, Content, Line, LoggedEvent, NamespaceState } from "@sluice/core";
import { decide, defaultPlan, emptyState, evolve, isActive, own, SluiceError, sleep } from "@sluice/core";
import type { HereReverts, LineContents, Mark } from "@sluice/core/api";
import type { Blobs, Feed, FeedListener } from "@sluice/replica";

/** A feed for tests: the log in an array, everything decided and folded by core. */
export interface SampleFeed extends Feed {
  /** Gives a command and announces its events. Throws what `decide` rejects. */
  give(command: Command): readonly LoggedEvent[];
  /** A dataset with a stable version. */
  dataset(name: string): void;
  /** Changes the stable line, and the candidate line where there is one; `padBytes` makes the event that much larger. */
  patch(name: string, padBytes?: number): void;
  /** Publishes a candidate and starts its release, whose id is returned. */
  start(name: string): string;
  announce(mark: Mark): void;
  /** What hosts have taken back for themselves is this from now on. */
  takeBackHere(hosts: readonly HereReverts[]): void;
  /** The log is another one, which has only its dataset in common with the last; null: too much happened at once to tell it. */
  reset(log: string | null): void;
  /** Events up to a sequence number are not kept any more, but for those since a state that is being taken. */
  trim(sequence: number): void;
  setContactAge(ageMs: number | null): void;
  setLog(log: string | null): void;
  /** What was presented. */
  readonly presented: readonly Mark[];
  /** How often a snapshot was taken. */
  snapshots(): number;
}

const by = { kind: "person", name: "test" } as const;

/** Makes an empty feed. Its snapshots take `snapshotMs`, so that events happen meanwhile. */
export function createSampleFeed(clock: Clock, snapshotMs = 0): SampleFeed {
  const listeners = new Set<FeedListener>();
  const marks = new Map<string, Mark>();
  const presented: Mark[] = [];
  let hosts: readonly HereReverts[] = [];
  const beingTaken = new Set<NamespaceState>();
  let log: string | null = "log-1";
  let events: LoggedEvent[] = [];
  let state: NamespaceState = emptyState;
  let contactAgeMs: number | null = 0;
  let keptFrom = 0;
  let snapshots = 0;
  let drawn = 0;

  function give(command: Command): readonly LoggedEvent[] {
    const decision = decide(state, { by, command }, clock.wall());
    if (decision.kind === "rejected") throw new SluiceError(decision.code, decision.message);
    if (decision.kind === "unchanged") return [];
    const logged = decision.events.map((decided, index) => ({
      sequence: state.sequence + index + 1,
      at: clock.wall(),
      ...decided,
    }));
    for (const event of logged) state = evolve(state, event);
    events = [...events, ...logged];
    for (const release of marks.keys()) {
      const known = own(state.releases, release);
      if (known !== undefined && !isActive(known)) marks.delete(release);
    }
    for (const listener of listeners) listener.events(logged);
    return logged;
  }

  function announce(mark: Mark): void {
    marks.set(mark.release, mark);
    for (const listener of listeners) listener.mark(mark);
  }

  function publish(name: string, start: boolean): void {
    drawn += 1;
    const stable = own(state.datasets, name)?.stable ?? null;
    give({
      type: "publish",
      dataset: name,
      content: contentOf(hashOf(`${name} ${drawn}`)),
      origin: { source: null, bytesHash: hashOf(`bytes ${name} ${drawn}`) },
      comparedWith: stable?.publish ?? null,
      parent: stable?.number ?? null,
      difference: { added: 0, removed: 0, changed: 1, unchanged: 0, examples: [] },
      warnings: [],
      changes: null,
      linesWithContent: [],
      quarantinedChanges: null,
      request: start ? { thousandths: 5_000, supersede: false, acceptQuarantined: false } : null,
      draw: { release: `release-${drawn}`, salt: `salt-${drawn}` },
    });
  }

  return {
    log: () => log,
    state: () => state,
    snapshotSequence: () => state.sequence,
    async snapshot() {
      snapshots += 1;
      const taken = { state, lines: linesOf(state), marks: [...marks.values()] };
      beingTaken.add(taken.state);
      await sleep(clock, snapshotMs);
      beingTaken.delete(taken.state);
      return taken;
    },
    since: (sequence) => (sequence < keptFrom ? null : events.filter((logged) => logged.sequence > sequence)),
    marks: () => [...marks.values()],
    here: () => hosts,
    contactAgeMs: () => contactAgeMs,
    present(mark) {
      presented.push(mark);
    },
    blobs: noBlobs,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    give,
    dataset(name) {
      give({ type: "create-dataset", dataset: name, policy: "canary", plan: defaultPlan, checks: [] });
      publish(name, false);
    },
    patch(name, padBytes = 0) {
      drawn += 1;
      const dataset = own(state.datasets, name);
      const position = (line: string): { contentHash: string; items: number } => ({
        contentHash: hashOf(`${name} ${line} ${drawn}`),
        items: 1,
      });
      give({
        type: "patch",
        dataset: name,
        stable: position("stable"),
        candidate: (dataset?.candidate ?? null) === null ? null : position("candidate"),
        delta: { set: [["sku", JSON.stringify({ note: "x".repeat(padBytes), price: drawn })]], remove: [] },
        candidateDelta: null,
        differingKeys: [],
        bothLines: false,
      });
    },
    start(name) {
      publish(name, true);
      return `release-${drawn}`;
    },
    announce,
    takeBackHere(its) {
      hosts = its;
      for (const listener of listeners) listener.here?.();
    },
    reset(next) {
      if (next === null) keptFrom = state.sequence;
      else {
        log = next;
        events = events.slice(0, 2);
        state = events.reduce(evolve, emptyState);
        keptFrom = 0;
        marks.clear();
      }
      for (const listener of listeners) listener.reset();
    },
    trim(sequence) {
      keptFrom = Math.min(sequence, state.sequence, ...[...beingTaken].map((taken) => taken.sequence));
    },
    setContactAge(ageMs) {
      contactAgeMs = ageMs;
    },
    setLog(next) {
      log = next;
    },
    presented,
    snapshots: () => snapshots,
  };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function contentOf(contentHash: string): Content {
  const parts = [{ name: hashOf(`part ${contentHash}`), bytes: 100, items: 1, contentHash }];
  return { base: { parts, layers: [] }, overlay: null, contentHash, items: 1 };
}

function linesOf(state: NamespaceState): Record<string, LineContents> {
  return Object.fromEntries(
    Object.values(state.datasets).map(({ name, stable, candidate }) => [
      name,
      { stable: heldAs(stable), candidate: heldAs(candidate) },
    ]),
  );
}

function heldAs(line: Line | null): Content | null {
  return line === null ? null : contentOf(line.contentHash);
}

const noBlobs: Blobs = {
  has: () => false,
  open(name) {
    throw new SluiceError("BLOB_UNKNOWN", `there is no blob ${name}`);
  },
  read: (name) => Promise.reject(new SluiceError("BLOB_UNKNOWN", `there is no blob ${name}`)),
  put: () => Promise.resolve(),
  delete: () => Promise.resolve(),
  list: () => Promise.resolve([]),
};
