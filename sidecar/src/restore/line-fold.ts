import type { BytesOrigin, Content, Event, LoggedEvent } from "@sluice/core";
import { unreachable } from "@sluice/core";

/** A version of a line that has files of its own, from which the versions after it can be worked out. */
export interface Anchor {
  readonly number: number;
  /** The event that said so, and when, milliseconds since the Unix epoch. */
  readonly sequence: number;
  readonly at: number;
  readonly content: Content;
  /** Whatever patched the line after this version came after this event: it may have come before the version was said to have files. */
  readonly from: number;
  /** No patch stands between that and here, the dataset's first patch after it or sooner; null where none has come yet. */
  readonly firstPatch: number | null;
  /** Some of these patches are not in the log any more: nothing but this very version can be had. */
  readonly gone: boolean;
}

/** An event's place in the log. */
export interface Place {
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** A line from its first version to its end. */
export interface LineHistory {
  readonly publish: number;
  /** Of its first version, as are the four below. */
  readonly sequence: number;
  readonly at: number;
  readonly contentHash: string;
  readonly origin: BytesOrigin;
  readonly changes: string | null;
  /** The older version that it brought back, and how; null where it was published. */
  readonly restored: { readonly version: number; readonly mode: "exact" | "reapply" } | null;
  /** From when on it is the stable line; `at` is when everybody saw it, which for a release is its promotion. */
  readonly stable: Place | null;
  /** When it was neither line any more. */
  readonly left: (Place & { readonly how: "replaced" | "reverted" }) | null;
  /** The oldest first; the first is the one that it began with, if that is still known. */
  readonly anchors: readonly Anchor[];
}

type Draft = { -readonly [Field in keyof LineHistory]: LineHistory[Field] } & {
  /** The base that was said last, kept or not. */
  newest: number;
  lastPatch: number;
  /** Versions that patches since gave the line and the events that did, all of them or some. */
  trail: Version[];
};

interface Version {
  readonly number: number;
  readonly sequence: number;
}

/** So many versions of a line are remembered at most; of more, every second one. */
const trailMax = 2_048;

/** Folds the events of one dataset into its lines. */
export interface LineFold {
  /** False where the event concerns a line that began before the first event: more of the log has to be read. */
  take(logged: LoggedEvent): boolean;
  /** The oldest first. */
  lines(): readonly LineHistory[];
  /** Changes the anchors of a line that are kept. */
  setAnchors(publish: number, anchors: readonly Anchor[]): void;
  /** What came after the last base that a line was said to have, for one that was folded without its patches. */
  setNewest(publish: number, newest: number, lastPatch: number): void;
  /** Forgets lines. */
  forget(isKept: (line: LineHistory, index: number, lines: readonly LineHistory[]) => boolean): void;
}

/** `spacingMs`: bases that were said sooner after one another are not all kept; the first and the newest are. */
export function createLineFold(spacingMs: number): LineFold {
  let lines: Draft[] = [];
  let stable: Draft | undefined;
  let candidate: Draft | undefined;
  let promotedAt: number | null = null;

  const leave = (line: Draft | undefined, { sequence, at }: LoggedEvent, how: "replaced" | "reverted"): void => {
    if (line !== undefined) line.left = { sequence, at, how };
  };

  const begin = (
    logged: LoggedEvent,
    { number, content, origin, changes }: Pick<Draft, "origin" | "changes"> & { number: number; content: Content },
    restored: LineHistory["restored"],
  ): Draft => {
    const { sequence, at } = logged;
    const anchor = { number, sequence, at, content, from: sequence, firstPatch: null, gone: false };
    const line: Draft = {
      publish: number,
      sequence,
      at,
      contentHash: content.contentHash,
      origin,
      changes,
      restored,
      stable: null,
      left: null,
      anchors: [anchor],
      newest: sequence,
      lastPatch: 0,
      trail: [],
    };
    lines.push(line);
    return line;
  };

  const patched = ({ sequence }: LoggedEvent, event: Extract<Event, { type: "patched" }>): void => {
    for (const [line, position] of [
      [stable, event.stable],
      [candidate, event.candidate],
    ] as const) {
      if (line === undefined || position === null) continue;
      line.lastPatch = sequence;
      const { number } = position;
      line.trail.push({ number, sequence });
      if (line.trail.length > trailMax) line.trail = line.trail.filter((_, index) => index % 2 === 0);
      if (line.anchors.every(({ firstPatch }) => firstPatch !== null)) continue;
      // The patch of the very version stays too: by it a process after this one knows that none is missing.
      const { publish } = line;
      line.anchors = line.anchors.map((anchor) => {
        return { ...anchor, firstPatch: anchor.firstPatch ?? (anchor.number === publish ? sequence : anchor.from) };
      });
    }
  };

  const rebased = (logged: LoggedEvent, event: Extract<Event, { type: "rebased" }>): void => {
    const line = [stable, candidate].find((its) => its?.publish === event.publish);
    if (line === undefined) return;
    const { number, base, contentHash, items } = event;
    const { sequence, at } = logged;
    const content = { base, overlay: null, contentHash, items };
    // Bases of a line are said one after another, each of a version that is newer than the saying of the one before.
    const known = line.trail.findLast((version) => version.number <= number)?.sequence ?? 0;
    const from = Math.max(line.newest, known);
    const firstPatch = line.lastPatch > from ? from : null;
    line.anchors = withAnchor(
      line.anchors,
      { number, sequence, at, content, from, firstPatch, gone: false },
      spacingMs,
    );
    line.newest = sequence;
    line.trail = line.trail.filter((version) => version.number > number);
  };

  return {
    take(logged) {
      const { event, sequence, at } = logged;
      switch (event.type) {
        case "version-published": {
          const line = begin(logged, event, null);
          leave(event.live ? stable : candidate, logged, "replaced");
          if (event.live) {
            stable = line;
            line.stable = { sequence, at };
          } else candidate = line;
          return true;
        }
        case "version-restored": {
          const line = begin(logged, event, { version: event.restored, mode: event.mode });
          leave(stable, logged, "replaced");
          leave(candidate, logged, "replaced");
          candidate = undefined;
          stable = line;
          line.stable = { sequence, at };
          return true;
        }
        case "release-started":
          promotedAt = null;
          return candidate !== undefined;
        case "release-promoted":
          promotedAt = at;
          return candidate !== undefined;
        case "release-completed":
          if (candidate === undefined) return false;
          leave(stable, logged, "replaced");
          candidate.stable = { sequence, at: promotedAt ?? at };
          stable = candidate;
          candidate = undefined;
          return true;
        case "release-reverted":
        case "release-superseded":
          leave(candidate, logged, event.type === "release-reverted" ? "reverted" : "replaced");
          candidate = undefined;
          return true;
        case "patched":
          patched(logged, event);
          return true;
        case "rebased":
          rebased(logged, event);
          return true;
        case "dataset-created":
        case "source-added":
        case "source-removed":
        case "publish-refused":
        case "percentage-set":
        case "release-held":
        case "release-resumed":
        case "guard-off":
        case "guard-on":
        case "quarantine-lifted":
        case "alert-received":
          return true;
        default:
          return unreachable(event);
      }
    },
    lines: () => lines,
    setAnchors(publish, anchors) {
      const line = lines.find((its) => its.publish === publish);
      if (line !== undefined) line.anchors = anchors;
    },
    setNewest(publish, newest, lastPatch) {
      const line = lines.find((its) => its.publish === publish);
      if (line !== undefined) Object.assign(line, { newest, lastPatch });
    },
    forget(isKept) {
      lines = lines.filter((line, index) => line.left === null || isKept(line, index, lines));
    },
  };
}

/** One more anchor, in the place of the newest where that one came soon after the one before. */
export function withAnchor(anchors: readonly Anchor[], anchor: Anchor, spacingMs: number): readonly Anchor[] {
  const [before, last] = anchors.slice(-2);
  const isSoon = before !== undefined && last !== undefined && last.at - before.at < spacingMs;
  return [...(isSoon ? anchors.slice(0, -1) : anchors), anchor];
}
