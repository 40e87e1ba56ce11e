import { assert, unreachable } from "../assert.ts";
import { own } from "../own.ts";
import type { Actor, Cause, Event, LinePosition, LoggedEvent } from "./event.ts";
import { isOnPatchShelf } from "./event.ts";
import { everybodyThousandths } from "./plan.ts";
import type { DatasetState, Line, NamespaceState, ReleasePhase, ReleaseState } from "./state.ts";
import { endedReleasesMax, isActive } from "./state.ts";

/**
 * The state after one event. Total over the events that `decide` makes; anything else in a log is a programmer's error.
 * Every origin and every follower folds with this function, so that all of them compute the same state.
 */
export function evolve(state: NamespaceState, logged: LoggedEvent): NamespaceState {
  assert(logged.sequence === state.sequence + 1, `event ${logged.sequence} follows ${state.sequence}`);
  return {
    ...apply(state, logged, logged.event),
    sequence: logged.sequence,
    controlSequence: isOnPatchShelf(logged.event) ? state.controlSequence : logged.sequence,
  };
}

function apply(state: NamespaceState, logged: LoggedEvent, event: Event): NamespaceState {
  const { at, by } = logged;
  switch (event.type) {
    case "dataset-created":
      return withDataset(state, {
        name: event.dataset,
        policy: event.policy,
        plan: event.plan,
        checks: event.checks,
        lastNumber: 0,
        stable: null,
        stableSince: null,
        candidate: null,
        release: null,
        sources: {},
        quarantine: [],
        lastRefusal: null,
      });
    case "source-added": {
      const dataset = datasetOf(state, event.dataset);
      return withDataset(state, { ...dataset, sources: { ...dataset.sources, [event.source.id]: event.source } });
    }
    case "source-removed": {
      const dataset = datasetOf(state, event.dataset);
      const { [event.source]: _removed, ...sources } = dataset.sources;
      return withDataset(state, { ...dataset, sources });
    }
    case "version-published":
      return withDataset(state, publish(datasetOf(state, event.dataset), event, at, by));
    case "publish-refused": {
      const dataset = datasetOf(state, event.dataset);
      const { number, code, message, origin } = event;
      return withDataset(state, {
        ...dataset,
        lastNumber: number ?? dataset.lastNumber,
        lastRefusal: { at, by, number, code, message, origin },
      });
    }
    case "patched": {
      const dataset = datasetOf(state, event.dataset);
      return withDataset(state, {
        ...dataset,
        lastNumber: event.candidate?.number ?? event.stable.number,
        stable: moveLine(dataset.stable, event.stable),
        candidate: event.candidate === null ? dataset.candidate : moveLine(dataset.candidate, event.candidate),
      });
    }
    case "release-started":
      return startRelease(state, event, at, by);
    case "percentage-set":
      return withRelease(state, event.release, (release) => ({
        ...release,
        thousandths: event.thousandths,
        epoch: release.epoch + 1,
        stepSince: at,
        setAt: at,
        stepBy: by,
      }));
    case "release-held":
      return withRelease(state, event.release, (release) => ({ ...release, hold: { cause: event.cause, by, at } }));
    case "release-resumed":
      return withRelease(state, event.release, (release) => ({
        ...release,
        hold: null,
        stepSince: at,
        overruled: overruledBy(release, by),
      }));
    case "release-promoted":
      return withRelease(state, event.release, (release) => ({
        ...release,
        phase: "baking",
        thousandths: everybodyThousandths,
        epoch: release.epoch + 1,
        stepSince: at,
        setAt: at,
        stepBy: by,
        hold: null,
        overruled: overruledBy(release, by),
      }));
    case "guard-off": {
      const { forMs, reason } = event;
      return withRelease(state, event.release, (release) => ({
        ...release,
        guardOff: { by, at, until: at + forMs, reason },
      }));
    }
    case "guard-on":
      return withRelease(state, event.release, (release) => ({ ...release, guardOff: null }));
    case "version-restored":
      return withDataset(state, restored(datasetOf(state, event.dataset), event, at, by));
    case "release-completed":
      return endRelease(state, event.release, "completed", logged, { reason: "the bake is over", evidence: null });
    case "release-reverted":
      return endRelease(state, event.release, "reverted", logged, event.cause);
    case "release-superseded":
      return endRelease(state, event.release, "superseded", logged, { reason: event.reason, evidence: null });
    case "quarantine-lifted":
      return withDataset(state, lift(datasetOf(state, event.dataset), event));
    case "rebased":
    case "alert-received":
      return state;
    default:
      return unreachable(event);
  }
}

function publish(
  dataset: DatasetState,
  event: Extract<Event, { type: "version-published" }>,
  at: number,
  by: Actor,
): DatasetState {
  const line: Line = {
    publish: event.number,
    number: event.number,
    contentHash: event.content.contentHash,
    items: event.content.items,
    publishedAt: at,
    publishedBy: by,
    origin: event.origin,
    difference: event.difference,
    changes: event.changes,
    quarantinedChanges: event.quarantinedChanges,
    restored: null,
  };
  const numbered = { ...dataset, lastNumber: event.number };
  return event.live ? { ...numbered, stable: line, stableSince: { at, by } } : { ...numbered, candidate: line };
}

/** A version that is held was compared with what is taken back: it leaves too, and can be published again. */
function restored(
  dataset: DatasetState,
  event: Extract<Event, { type: "version-restored" }>,
  at: number,
  by: Actor,
): DatasetState {
  const { number, restored: version, mode, dropped, content, origin, difference, changes, takenBack, cause } = event;
  const { contentHash, items } = content;
  const line = { publish: number, number, contentHash, items, publishedAt: at, publishedBy: by };
  const known = new Set(dataset.quarantine.map((mark) => mark.publish));
  const marks = takenBack
    .filter((its) => !known.has(its.publish))
    .map((its) => ({ ...its, release: null, at, by, reason: cause.reason, liftedKeys: [] }));
  return {
    ...dataset,
    lastNumber: number,
    stable: {
      ...line,
      origin,
      difference,
      changes,
      quarantinedChanges: null,
      restored: { version, mode, dropped, reason: cause.reason },
    },
    stableSince: { at, by },
    candidate: null,
    quarantine: [...dataset.quarantine, ...marks],
  };
}

/** A version that is held for changes of the one that is lifted is free, unless it may share some with others as well. */
function lift(dataset: DatasetState, { publish, keys }: Extract<Event, { type: "quarantine-lifted" }>): DatasetState {
  const quarantine = dataset.quarantine.flatMap((mark) => {
    if (mark.publish !== publish) return [mark];
    return keys === null ? [] : [{ ...mark, liftedKeys: [...new Set([...mark.liftedKeys, ...keys])] }];
  });
  const { candidate, release } = dataset;
  const isHeldForIt = release === null && candidate?.quarantinedChanges?.publish === publish;
  const isFree = isHeldForIt && keys === null && quarantine.every(({ changes }) => changes === null);
  return { ...dataset, quarantine, candidate: isFree ? { ...candidate, quarantinedChanges: null } : candidate };
}

function moveLine(line: Line | null, position: LinePosition): Line {
  assert(line !== null, "a patch moves a line that exists");
  const { number, contentHash, items } = position;
  return { ...line, number, contentHash, items };
}

function startRelease(
  state: NamespaceState,
  event: Extract<Event, { type: "release-started" }>,
  at: number,
  by: Actor,
): NamespaceState {
  const dataset = datasetOf(state, event.dataset);
  assert(dataset.stable !== null && dataset.candidate !== null, "a release stands between two lines");
  const release: ReleaseState = {
    id: event.release,
    dataset: event.dataset,
    salt: event.salt,
    plan: event.plan,
    phase: "running",
    thousandths: event.thousandths,
    epoch: 1,
    stepSince: at,
    setAt: at,
    stepBy: by,
    hold: null,
    overruled: [],
    guardOff: null,
    startedAt: at,
    startedBy: by,
    candidatePublish: dataset.candidate.publish,
    stablePublish: dataset.stable.publish,
    ended: null,
  };
  const started = withDataset(state, { ...dataset, release: event.release });
  return { ...started, releases: { ...started.releases, [release.id]: release } };
}

/** What a person ended is not held again for the same reason, and a restart must not forget that. */
function overruledBy({ hold, overruled, epoch }: ReleaseState, by: Actor): ReleaseState["overruled"] {
  if (by.kind !== "person" || hold === null || hold.by.kind === "person" || hold.by.kind === "plan") return overruled;
  const isOther = (its: Actor): boolean => its.kind !== hold.by.kind || its.name !== hold.by.name;
  return [...overruled.filter((each) => isOther(each.by)), { by: hold.by, epoch }];
}

function endRelease(
  state: NamespaceState,
  id: string,
  phase: Exclude<ReleasePhase, "running" | "baking">,
  logged: LoggedEvent,
  cause: Cause,
): NamespaceState {
  const { at, by } = logged;
  const ended = withRelease(state, id, (release) => ({
    ...release,
    phase,
    hold: null,
    guardOff: null,
    ended: { at, by, cause },
  }));
  const release = releaseOf(ended, id);
  const dataset = datasetOf(ended, release.dataset);
  const { candidate } = dataset;
  assert(candidate !== null, "an active release has a candidate line");
  const free = { ...dataset, release: null, candidate: null };
  const next: DatasetState =
    phase === "completed"
      ? { ...free, stable: candidate, stableSince: { at: release.setAt, by: release.stepBy } }
      : phase === "reverted"
        ? { ...free, quarantine: [...dataset.quarantine, markOf(candidate, id, logged, cause)] }
        : free;
  return forgetEnded(withDataset(ended, next));
}

function markOf(line: Line, release: string, logged: LoggedEvent, cause: Cause): DatasetState["quarantine"][number] {
  return {
    publish: line.publish,
    release,
    at: logged.at,
    by: logged.by,
    reason: cause.reason,
    bytesHash: line.origin.bytesHash,
    changes: line.changes,
    liftedKeys: [],
  };
}

function forgetEnded(state: NamespaceState): NamespaceState {
  const ended = Object.values(state.releases).filter((release) => !isActive(release));
  if (ended.length <= endedReleasesMax) return state;
  const oldest = ended.reduce((a, b) => ((a.ended?.at ?? 0) <= (b.ended?.at ?? 0) ? a : b));
  const { [oldest.id]: _forgotten, ...releases } = state.releases;
  return { ...state, releases };
}

function withDataset(state: NamespaceState, dataset: DatasetState): NamespaceState {
  return { ...state, datasets: { ...state.datasets, [dataset.name]: dataset } };
}

function withRelease(
  state: NamespaceState,
  id: string,
  change: (release: ReleaseState) => ReleaseState,
): NamespaceState {
  return { ...state, releases: { ...state.releases, [id]: change(releaseOf(state, id)) } };
}

function datasetOf(state: NamespaceState, name: string): DatasetState {
  const dataset = own(state.datasets, name);
  assert(dataset !== undefined, `dataset ${name} exists`);
  return dataset;
}

function releaseOf(state: NamespaceState, id: string): ReleaseState {
  const release = own(state.releases, id);
  assert(release !== undefined, `release ${id} exists`);
  return release;
}
