import type { Clock, LoggedEvent, NamespaceState } from "@sluice/core";
import { filesOfBase, isSluiceError, own } from "@sluice/core";
import type { Commands } from "../commands.ts";
import type { RetentionLimits } from "../retention.ts";
import type { EventLog } from "../store/port.ts";
import type { Anchor, LineFold, LineHistory } from "./line-fold.ts";
import { linesAt } from "./lines-at.ts";
import { createLineFold, withAnchor } from "./line-fold.ts";

/** So many versions of a dataset are kept however old they are, the newest that were published. */
const versionsKeptMin = 3;

/** Between two bases of a line that are kept, in milliseconds: what came since the last has to be replayed. */
const spacingMsMax = 3_600_000;
const spacingMsMin = 300_000;

/** How many events are read at a time while the log is looked through: each names all files of a version. */
const pageEvents = 20;

/** The lines of a namespace as far back as versions can be gone back to, and what that needs. */
export interface VersionHistory {
  /** Looks through the log the first time. Throws what the store throws. */
  ready(): Promise<void>;
  /** The oldest first. Reads the log the first time. Throws what the store throws. */
  lines(dataset: string): Promise<readonly LineHistory[]>;
  /** The moment before which no version has to be had any more, milliseconds since the Unix epoch. */
  windowStart(): number;
  /** The blobs that its versions are made of, and the lists of changes of those that may go into quarantine. */
  blobs(): Promise<ReadonlySet<string>>;
  /** Patches after this event are needed; 0 as long as the log was not looked through. */
  patchesAfter(): number;
  /** Publishes whose contents a quarantine may ask for, by dataset. */
  publishes(): Readonly<Record<string, readonly number[]>>;
  close(): void;
}

/** How far apart the bases of a line are that are kept, and at least made, where versions are kept for so long. Milliseconds. */
export function baseSpacingMs(keepVersionsMs: number): number {
  return Math.min(spacingMsMax, Math.max(spacingMsMin, keepVersionsMs / 24));
}

/**
 * Keeps what was stable or a candidate within the last `keepVersionsMs`: of each line the newest base from before that, and one an hour
 * since; beside them the newest three that were published, and all of the last `keepVersionsMs`.
 */
export function createVersionHistory(dependencies: {
  readonly log: Pick<EventLog, "readControl" | "readRebases" | "readPatches">;
  readonly commands: Pick<Commands, "state" | "subscribe">;
  readonly clock: Clock;
  readonly limits: Pick<RetentionLimits, "keepVersionsMs" | "keepPatchesMs">;
}): VersionHistory {
  const { log, commands, clock } = dependencies;
  const { keepVersionsMs, keepPatchesMs } = dependencies.limits;
  const spacingMs = baseSpacingMs(keepVersionsMs);
  const folds = new Map<string, LineFold>();
  const first = commands.state().sequence;
  /** What has happened while the log was looked through. */
  let later: { logged: LoggedEvent; dataset: string }[] | null = [];
  let looked: Promise<void> | undefined;

  const windowStart = (): number => clock.wall() - keepVersionsMs;

  const foldOf = (dataset: string): LineFold => {
    const fold = folds.get(dataset) ?? createLineFold(spacingMs);
    folds.set(dataset, fold);
    return fold;
  };

  const unsubscribe = commands.subscribe({
    events(events, before) {
      for (const logged of events) {
        const dataset = datasetOf(logged, before, commands.state());
        if (dataset === null) continue;
        if (later === null) foldOf(dataset).take(logged);
        else later.push({ logged, dataset });
      }
    },
  });

  const look = async (): Promise<void> => {
    const found = new Map<string, LineFold>();
    for (const dataset of Object.keys(commands.state().datasets)) {
      const fold = await lookBack(log, dataset, first, windowStart(), spacingMs);
      await findBases(log, dataset, first, fold, spacingMs);
      found.set(dataset, fold);
    }
    for (const [dataset, fold] of found) folds.set(dataset, fold);
    for (const { logged, dataset } of later ?? []) foldOf(dataset).take(logged);
    later = null;
  };

  const ready = async (): Promise<void> => {
    looked ??= look();
    await looked.catch((error: unknown) => {
      looked = undefined;
      throw error;
    });
    for (const fold of folds.values()) {
      fold.forget((line, index, lines) => isKept(line, index, lines, windowStart()));
      for (const { publish, anchors } of fold.lines()) fold.setAnchors(publish, keptAnchors(anchors, windowStart()));
    }
  };

  return {
    windowStart,
    ready,
    async lines(dataset) {
      await ready();
      return folds.get(dataset)?.lines() ?? [];
    },
    async blobs() {
      await ready();
      const names = new Set<string>();
      for (const fold of folds.values()) {
        for (const { anchors, changes } of fold.lines()) {
          if (changes !== null) names.add(changes);
          for (const { content } of anchors) for (const { name } of filesOfBase(content.base)) names.add(name);
        }
      }
      return names;
    },
    patchesAfter() {
      if (later !== null) return 0;
      // Who keeps patches for less long than versions has fewer versions between those that were published.
      const keepMs = Math.min(keepVersionsMs, keepPatchesMs);
      if (keepMs === 0) return Number.MAX_SAFE_INTEGER;
      const fromAt = clock.wall() - keepMs;
      const needed = [...folds.values()].flatMap((fold) => fold.lines().flatMap((line) => neededPatches(line, fromAt)));
      return Math.min(Number.MAX_SAFE_INTEGER, ...needed.map((sequence) => sequence - 1));
    },
    publishes: () =>
      Object.fromEntries([...folds].map(([dataset, fold]) => [dataset, fold.lines().map(({ publish }) => publish)])),
    close: unsubscribe,
  };
}

/** The lines from before this process began: control events, read backwards until it is plain what was stable at the window's start. */
async function lookBack(
  log: Pick<EventLog, "readControl">,
  dataset: string,
  last: number,
  fromAt: number,
  spacingMs: number,
): Promise<LineFold> {
  let events: readonly LoggedEvent[] = [];
  for (let before = last + 1; ; ) {
    const page = await log.readControl({ dataset, before, limit: pageEvents });
    events = [...page, ...events];
    const fold = createLineFold(spacingMs);
    const isUnderstood = events.map((logged) => fold.take(logged)).every(Boolean);
    const lines = fold.lines();
    const reachesBack = lines.some(({ stable }) => stable !== null && stable.at <= fromAt);
    if (page.length < pageEvents || (isUnderstood && reachesBack && lines.length >= versionsKeptMin)) return fold;
    before = page[0]?.sequence ?? 0;
  }
}

/** The bases that its lines moved to, and the first patches after each. */
async function findBases(
  log: Pick<EventLog, "readRebases" | "readPatches">,
  dataset: string,
  last: number,
  fold: LineFold,
  spacingMs: number,
): Promise<void> {
  const newest = new Map(fold.lines().map(({ publish, sequence }) => [publish, sequence]));
  const anchors = new Map(fold.lines().map((line) => [line.publish, line.anchors]));
  for (let after = 0; ; ) {
    const page = await log.readRebases({ dataset, after, limit: pageEvents });
    for (const { sequence, at, event } of page) {
      const known = event.type === "rebased" ? anchors.get(event.publish) : undefined;
      if (event.type !== "rebased" || known === undefined || sequence > last) continue;
      const { number, base, contentHash, items } = event;
      const content = { base, overlay: null, contentHash, items };
      const from = newest.get(event.publish) ?? 0;
      const anchor = { number, sequence, at, content, from, firstPatch: null, gone: false };
      anchors.set(event.publish, withAnchor(known, anchor, spacingMs));
      newest.set(event.publish, sequence);
    }
    after = page.at(-1)?.sequence ?? last;
    if (page.length < pageEvents || after >= last) break;
  }
  for (const { publish, left } of fold.lines()) {
    const found: Anchor[] = [];
    for (const anchor of anchors.get(publish) ?? []) {
      const { number, from } = anchor;
      found.push({ ...anchor, ...(await firstPatch(log, fold, { dataset, publish, number, from, last })) });
    }
    fold.setAnchors(publish, found);
    if (left !== null) continue;
    const since = newest.get(publish) ?? 0;
    const patch = await firstPatch(log, fold, { dataset, publish, number: 0, from: since, last });
    fold.setNewest(publish, since, patch.firstPatch ?? 0);
  }
}

/** Where the patches after a version of a line begin; where some before it have gone, it is its own patch that says that no other has. */
async function firstPatch(
  log: Pick<EventLog, "readPatches">,
  fold: LineFold,
  {
    dataset,
    publish,
    number,
    from,
    last,
  }: { dataset: string; publish: number; number: number; from: number; last: number },
): Promise<Pick<Anchor, "firstPatch" | "gone">> {
  const read = async (after: number): Promise<LoggedEvent | null> => {
    const [patch] = await log.readPatches({ dataset, after, limit: 1 });
    return patch === undefined || patch.sequence > last ? null : patch;
  };
  try {
    return { firstPatch: (await read(from))?.sequence ?? null, gone: false };
  } catch (error) {
    if (!isSluiceError(error, "PRUNED")) throw error;
    const patch = await read(Number(error.details["through"]));
    if (patch === null || patch.event.type !== "patched") return { firstPatch: from, gone: true };
    const isStable = linesAt(fold.lines(), patch.sequence).stable?.publish === publish;
    const position = isStable ? patch.event.stable : patch.event.candidate;
    const isFirst = position !== null && position.number <= number;
    return { firstPatch: isFirst ? patch.sequence : from, gone: !isFirst };
  }
}

function isKept({ at, left }: LineHistory, index: number, lines: readonly LineHistory[], fromAt: number): boolean {
  return at > fromAt || (left?.at ?? Number.POSITIVE_INFINITY) > fromAt || index >= lines.length - versionsKeptMin;
}

/** The one that the line began with is a version that people name; of the others from before the window the newest is enough. */
function keptAnchors(anchors: readonly Anchor[], fromAt: number): readonly Anchor[] {
  const newest = anchors.findLastIndex(({ at }) => at <= fromAt);
  return anchors.filter((_, index) => index === 0 || index >= newest);
}

/** The patches without which a version of the window could not be had. */
function neededPatches({ left, anchors }: LineHistory, fromAt: number): readonly number[] {
  if (left !== null && left.at <= fromAt) return [];
  const newest = anchors.findLastIndex(({ at }) => at <= fromAt);
  return anchors
    .slice(Math.max(0, newest))
    .flatMap(({ firstPatch: its, gone }) =>
      its === null || gone || (left !== null && its > left.sequence) ? [] : [its],
    );
}

/** An event of a release names no dataset. */
function datasetOf({ event }: LoggedEvent, before: NamespaceState, after: NamespaceState): string | null {
  if ("dataset" in event) return event.dataset;
  if (event.type === "alert-received") return null;
  return (own(before.releases, event.release) ?? own(after.releases, event.release))?.dataset ?? null;
}
