import { emptyState, evolve, type LoggedEvent, type NamespaceState, unreachable } from "@sluice/core";
import { canonical, contentHashOf, type Items, withDelta } from "./content.ts";
import { reappliedItems } from "./restores.ts";
import { hold } from "./trace.ts";

/** One version as the model knows it. */
export interface ModelVersion {
  readonly dataset: string;
  readonly number: number;
  /** Number of the publish that began its line. */
  readonly publish: number;
  readonly contentHash: string;
  readonly items: Items;
}

/** Where one line of a dataset stands. */
interface LinePosition {
  readonly publish: number;
  readonly number: number;
}

/** A running or baking release at one position of the log. */
export interface ReleasePosition {
  readonly id: string;
  readonly dataset: string;
  readonly salt: string;
  readonly thousandths: number;
  readonly phase: "running" | "baking";
}

/** A dataset at one position of the log. */
export interface DatasetPosition {
  readonly stable: LinePosition | null;
  readonly candidate: LinePosition | null;
  readonly release: ReleasePosition | null;
}

/** The namespace at one position of the log. */
export type Position = Readonly<Record<string, DatasetPosition>>;

/** How a release ended. */
export interface ReleaseEnd {
  readonly how: "completed" | "reverted" | "superseded";
  readonly sequence: number;
  /** When it was found in the log, in milliseconds of the world. */
  readonly atMs: number;
}

/** A release from its start, whatever became of it. */
export interface ModelRelease {
  readonly id: string;
  readonly dataset: string;
  readonly salt: string;
  readonly candidatePublish: number;
  readonly startedAt: number;
  end: ReleaseEnd | null;
}

/** What the log of the origin says, folded by a model that shares nothing with the code under test but the events. */
export interface History {
  /** Takes what the log has got since the last look and holds it to the rules of the log. */
  look(): void;
  readonly sequence: number;
  event(sequence: number): LoggedEvent | undefined;
  position(sequence: number): Position;
  /** The state that every follower has to come to. */
  state(sequence: number): NamespaceState;
  version(dataset: string, number: number): ModelVersion | undefined;
  release(id: string): ModelRelease | undefined;
  releases(): Iterable<ModelRelease>;
  /** Whether a version was what everybody saw at some position up to this one. */
  wasStable(dataset: string, number: number, sequence: number): boolean;
  /** The reverted release whose candidate began with this publish; null where there is none. */
  revertedLine(dataset: string, publish: number): string | null;
  /** Contents that were reverted and not lifted since. */
  quarantined(dataset: string): ReadonlyMap<string, ModelVersion>;
  /** An operator offers a content: nothing else may ever be published. */
  offer(dataset: string, items: Items): string;
}

const nothing: DatasetPosition = { stable: null, candidate: null, release: null };

/** Follows a log that grows. `onEvent` is called for each event, after it was taken. */
export function createHistory(dependencies: {
  /** The log as text, an event each. */
  readonly log: readonly { readonly json: string }[];
  readonly nowMs: () => number;
  readonly onEvent: (logged: LoggedEvent, before: Position) => void;
}): History {
  const { log, nowMs, onEvent } = dependencies;
  const events: LoggedEvent[] = [];
  const positions: Position[] = [{}];
  const states: NamespaceState[] = [emptyState];
  const versions = new Map<string, ModelVersion>();
  /** The event that gave a version its number. */
  const givenAt = new Map<string, number>();
  const numbers = new Map<string, number>();
  const releases = new Map<string, ModelRelease>();
  const quarantine = new Map<string, Map<string, ModelVersion>>();
  const offered = new Map<string, Items>();
  const stableSince = new Map<string, number>();
  const revertedLines = new Map<string, string>();

  const give = (version: ModelVersion): LinePosition => {
    const { dataset, number, publish } = version;
    const last = numbers.get(dataset) ?? 0;
    hold("invariant 5", number > last, () => `${dataset} gives the number ${number} after ${last}`);
    numbers.set(dataset, number);
    versions.set(`${dataset}@${number}`, version);
    givenAt.set(`${dataset}@${number}`, events.length + 1);
    return { publish, number };
  };

  const versionAt = (dataset: string, line: LinePosition | null): ModelVersion => {
    const version = line === null ? undefined : versions.get(`${dataset}@${line.number}`);
    hold("the log", version !== undefined, () => `${dataset} has no such line`);
    return version;
  };

  const active = (position: Position, id: string): { at: DatasetPosition; release: ReleasePosition } => {
    const at = position[releases.get(id)?.dataset ?? ""] ?? nothing;
    const { release } = at;
    hold("invariant 6", release?.id === id, () => `something happens to ${id}, which does not run`);
    return { at, release };
  };

  const end = (position: Position, id: string, how: ReleaseEnd["how"], sequence: number): DatasetPosition => {
    const { at, release } = active(position, id);
    const known = releases.get(id);
    hold("invariant 6", known?.end === null, () => `${id} ends a second time, ${how}`);
    known.end = { how, sequence, atMs: nowMs() };
    if (how === "completed") return { stable: at.candidate, candidate: null, release: null };
    if (how === "reverted") {
      const marks = quarantine.get(release.dataset) ?? new Map<string, ModelVersion>();
      for (const version of versions.values()) {
        if (version.dataset === release.dataset && version.publish === at.candidate?.publish) {
          marks.set(version.contentHash, version);
        }
      }
      quarantine.set(release.dataset, marks);
      revertedLines.set(`${release.dataset}@${known.candidatePublish}`, id);
    }
    return { stable: at.stable, candidate: null, release: null };
  };

  const publish = (
    position: Position,
    event: Extract<LoggedEvent["event"], { type: "version-published" }>,
  ): DatasetPosition => {
    const { dataset, number, content, live } = event;
    const at = position[dataset] ?? nothing;
    const items = offered.get(`${dataset} ${content.contentHash}`);
    hold(
      "invariant 8",
      items !== undefined,
      () => `v${number} of ${dataset} has a content that nobody has offered whole`,
    );
    hold("invariant 4", items.size === content.items, () => `v${number} of ${dataset} miscounts its items`);
    const mark = quarantine.get(dataset)?.get(content.contentHash);
    hold("invariant 7", mark === undefined, () => `v${number} of ${dataset} is v${mark?.number}, which was reverted`);
    hold("invariant 6", at.release === null, () => `v${number} of ${dataset} comes while ${at.release?.id} runs`);
    const line = give({ dataset, number, publish: number, contentHash: content.contentHash, items });
    hold("the log", live || at.stable !== null, () => `v${number} of ${dataset} is held although nothing is out`);
    return live ? { ...at, stable: line } : { ...at, candidate: line };
  };

  const patch = (position: Position, event: Extract<LoggedEvent["event"], { type: "patched" }>): DatasetPosition => {
    const { dataset, stable, candidate, delta, candidateDelta } = event;
    const at = position[dataset] ?? nothing;
    const moved = (line: LinePosition | null, to: typeof stable, change: typeof delta): LinePosition => {
      const before = versionAt(dataset, line);
      const items = withDelta(before.items, change);
      const { number, contentHash } = to;
      hold(
        "invariant 4",
        contentHashOf(items) === contentHash,
        () => `the patch v${number} of ${dataset} hashes to something else`,
      );
      hold("invariant 4", items.size === to.items, () => `the patch v${number} of ${dataset} miscounts its items`);
      return give({ dataset, number, publish: before.publish, contentHash, items });
    };
    hold("the log", (candidate === null) === (at.candidate === null), () => `a patch of ${dataset} misses a line`);
    const next = { ...at, stable: moved(at.stable, stable, delta) };
    return candidate === null ? next : { ...next, candidate: moved(at.candidate, candidate, candidateDelta ?? delta) };
  };

  const restore = (
    position: Position,
    event: Extract<LoggedEvent["event"], { type: "version-restored" }>,
  ): DatasetPosition => {
    const { dataset, number, restored, mode, content, takenBack } = event;
    const at = position[dataset] ?? nothing;
    const from = versions.get(`${dataset}@${restored}`);
    hold(
      "invariant 6",
      at.release === null,
      () => `v${restored} of ${dataset} comes back while ${at.release?.id} runs`,
    );
    hold("the log", from !== undefined, () => `v${restored} of ${dataset} comes back and never was`);
    const since = events.slice(givenAt.get(`${dataset}@${restored}`) ?? 0);
    const items =
      mode === "exact"
        ? from.items
        : reappliedItems(from, since, history.position, (its) => versions.get(`${dataset}@${its}`));
    hold("invariant 4", contentHashOf(items) === content.contentHash && items.size === content.items, () => {
      return `v${restored} of ${dataset} comes back (${mode}) as something else, v${number}`;
    });
    const marks = quarantine.get(dataset) ?? new Map<string, ModelVersion>();
    for (const { publish: taken } of takenBack) {
      const version = versions.get(`${dataset}@${taken}`);
      hold(
        "the log",
        version?.publish === taken,
        () => `v${number} of ${dataset} takes back v${taken}, which is no publish`,
      );
      marks.set(version.contentHash, version);
    }
    quarantine.set(dataset, marks);
    const line = give({ dataset, number, publish: number, contentHash: content.contentHash, items });
    return { stable: line, candidate: null, release: null };
  };

  const start = (
    position: Position,
    logged: LoggedEvent,
    event: Extract<LoggedEvent["event"], { type: "release-started" }>,
  ): DatasetPosition => {
    const { release: id, dataset, salt, thousandths } = event;
    const at = position[dataset] ?? nothing;
    hold("invariant 6", at.release === null, () => `${id} starts while ${at.release?.id} runs`);
    hold("the log", at.stable !== null && at.candidate !== null, () => `${id} starts without two lines`);
    hold("the log", !releases.has(id), () => `${id} starts a second time`);
    const { publish: candidatePublish } = at.candidate;
    releases.set(id, { id, dataset, salt, candidatePublish, startedAt: logged.sequence, end: null });
    return { ...at, release: { id, dataset, salt, thousandths, phase: "running" } };
  };

  const apply = (position: Position, logged: LoggedEvent): Position => {
    const { event, sequence } = logged;
    const withRelease = (id: string, change: Partial<ReleasePosition>): Position => {
      const { at, release } = active(position, id);
      return { ...position, [release.dataset]: { ...at, release: { ...release, ...change } } };
    };
    const ended = (id: string, how: ReleaseEnd["how"]): Position => {
      const { release } = active(position, id);
      return { ...position, [release.dataset]: end(position, id, how, sequence) };
    };
    switch (event.type) {
      case "dataset-created":
        return { ...position, [event.dataset]: nothing };
      case "version-published":
        return { ...position, [event.dataset]: publish(position, event) };
      case "version-restored":
        return { ...position, [event.dataset]: restore(position, event) };
      case "patched":
        return { ...position, [event.dataset]: patch(position, event) };
      case "publish-refused":
        if (event.number !== null) numbers.set(event.dataset, event.number);
        return position;
      case "release-started":
        return { ...position, [event.dataset]: start(position, logged, event) };
      case "percentage-set":
        return withRelease(event.release, { thousandths: event.thousandths });
      case "release-promoted":
        return withRelease(event.release, { thousandths: 100_000, phase: "baking" });
      case "guard-off":
      case "guard-on":
      case "release-held":
      case "release-resumed":
        return withRelease(event.release, {});
      case "release-completed":
        return ended(event.release, "completed");
      case "release-reverted":
        return ended(event.release, "reverted");
      case "release-superseded":
        return ended(event.release, "superseded");
      case "quarantine-lifted":
        if (event.keys === null) lift(event.dataset, event.publish);
        return position;
      case "rebased":
      case "source-added":
      case "source-removed":
      case "alert-received":
        return position;
      default:
        return unreachable(event);
    }
  };

  const lift = (dataset: string, lifted: number): void => {
    const marks = quarantine.get(dataset);
    for (const [hash, { publish: marked }] of marks ?? []) if (marked === lifted) marks?.delete(hash);
  };

  const history: History = {
    look() {
      for (let stored = log[events.length]; stored !== undefined; stored = log[events.length]) {
        const logged = JSON.parse(stored.json) as LoggedEvent;
        const { sequence } = logged;
        const before = history.position(events.length);
        hold("the log", sequence === events.length + 1, () => `event ${sequence} stands at ${events.length + 1}`);
        const after = apply(before, logged);
        events.push(logged);
        positions.push(after);
        for (const [dataset, { stable }] of Object.entries(after)) {
          const version = `${dataset}@${stable?.number}`;
          if (stable !== null && !stableSince.has(version)) stableSince.set(version, sequence);
        }
        states.push(evolve(history.state(sequence - 1), logged));
        onEvent(logged, before);
      }
      hold(
        "invariant 8",
        log.length === events.length,
        () => `the log had ${events.length} events and has ${log.length}`,
      );
    },
    get sequence() {
      return events.length;
    },
    event: (sequence) => events[sequence - 1],
    position(sequence) {
      const position = positions[sequence];
      hold(
        "the log",
        position !== undefined,
        () => `the log has ${events.length} events and none of number ${sequence}`,
      );
      return position;
    },
    state(sequence) {
      const state = states[sequence];
      hold("the log", state !== undefined, () => `the log has ${events.length} events and none of number ${sequence}`);
      return state;
    },
    version: (dataset, number) => versions.get(`${dataset}@${number}`),
    release: (id) => releases.get(id),
    releases: () => releases.values(),
    wasStable: (dataset, number, sequence) =>
      (stableSince.get(`${dataset}@${number}`) ?? Number.POSITIVE_INFINITY) <= sequence,
    revertedLine: (dataset, line) => revertedLines.get(`${dataset}@${line}`) ?? null,
    quarantined: (dataset) => quarantine.get(dataset) ?? new Map<string, ModelVersion>(),
    offer(dataset, items) {
      const hash = contentHashOf(items);
      offered.set(`${dataset} ${hash}`, items);
      return hash;
    },
  };
  return history;
}

/** An event in a few words. */
export function describe({ sequence, by, event }: LoggedEvent): string {
  const { type, ...rest } = event;
  const words = Object.entries(rest)
    .filter(([name]) =>
      ["dataset", "release", "number", "thousandths", "live", "publish", "reason", "code"].includes(name),
    )
    .map(([name, value]) => `${name}=${canonical(value)}`);
  const lines =
    event.type === "patched" ? [`stable=${event.stable.number}`, `candidate=${event.candidate?.number ?? "none"}`] : [];
  return `event ${sequence} ${type} ${[...words, ...lines].join(" ")} by ${by.kind} ${by.name}`;
}
