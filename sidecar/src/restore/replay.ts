import type { Delta, JsonValue, LinePosition, LoggedEvent } from "@sluice/core";
import { assert, canonicalJson, reapplied, SluiceError } from "@sluice/core";
import type { Shelf } from "@sluice/replica";
import type { Anchor, LineHistory } from "./line-fold.ts";
import { linesAt, linesSince } from "./lines-at.ts";
import type { LineValues } from "./line-values.ts";
import { createLineValues } from "./line-values.ts";
import type { Presence } from "./presence.ts";

/** What a version that comes back is worked out of. */
export interface ReplayTask {
  readonly dataset: string;
  /** The oldest first. */
  readonly lines: readonly LineHistory[];
  readonly line: LineHistory;
  /** The version of that line that comes back. */
  readonly number: number;
  readonly mode: "exact" | "reapply";
  /** Of each line that is taken back, the publish under which its contents go into quarantine. */
  readonly takenBack: ReadonlyMap<number, number>;
  /** What of all that came after the version is in the stable version. */
  readonly presence: Presence;
}

/** An older version as it would be now, brought up event by event. */
export interface Replay {
  /** The number of the event after which patches have to be taken. */
  readonly after: number;
  /** Takes the next patch of the dataset. Throws CORRUPT where a file cannot be read. */
  take(logged: LoggedEvent): void;
  /** What comes back. */
  readonly values: LineValues;
  /** Whether patches are but counted from here on: the version is what it was. */
  isComplete(): boolean;
  /** What the log says of the version's content; null before its patch was taken. */
  contentHash(): string | null;
  /** Patches of the stable version that came after this one and are not in it, or not with all that they changed. */
  dropped(): number;
  /** What would come back without the patches that the stable version has lost already, at the keys that get something back of them. */
  readonly without: ReadonlyMap<string, string | undefined>;
  /** Content hashes that patches gave to lines that are taken back, by publish, each once. Empty again afterwards. */
  drainContents(): ReadonlyMap<number, readonly string[]>;
}

type Patched = Extract<LoggedEvent["event"], { type: "patched" }>;

/**
 * Works an older version out of the newest files before it and the patches since. As long as its line is there, patches to it are
 * taken as they are. After that what a patch changed in the line that is stable then is changed here too, and nothing else of the item:
 * the rest of its value is what is being taken back.
 * Throws PRUNED where there are no files to begin with.
 */
export function createReplay(shelf: Shelf, task: ReplayTask): Replay {
  const { lines, line, number, mode, takenBack, presence } = task;
  const start = anchorOf(task);
  const values = createLineValues(shelf, start.content, start.number);
  /** The lines that are stable after this one, with their values as far as they have been taken. */
  const later = new Map<number, LineValues>();
  const contents = new Map<number, string[]>();
  let after = patchesFrom(start);
  for (const its of linesSince(lines, line)) {
    const from = its.stable?.sequence ?? its.sequence;
    after = Math.min(after, from);
    if (mode === "exact") continue;
    const anchor = its.anchors.findLast(({ sequence }) => sequence <= from) ?? its.anchors[0];
    if (anchor === undefined) continue;
    later.set(its.publish, createLineValues(shelf, anchor.content, anchor.number));
    after = Math.min(after, patchesFrom(anchor));
  }
  let dropped = 0;
  let contentHash = start.number === number ? start.content.contentHash : null;

  const without = new Map<string, string | undefined>();

  const takeOwn = (position: LinePosition, { set, remove }: Delta, isPresent: boolean): void => {
    if (position.number === number) ({ contentHash } = position);
    if (mode === "exact" && position.number > number) {
      if (isPresent) dropped += 1;
      return;
    }
    if (mode === "reapply" && position.number > values.number && (!isPresent || without.size > 0)) {
      for (const [key, canonical] of set) split(key, isPresent, () => canonical);
      for (const key of remove) split(key, isPresent, () => undefined);
    }
    values.take(position.number, { set, remove });
  };

  /** What the stable version has lost is told apart from what it has, before it is changed here. */
  const split = (key: string, isPresent: boolean, changed: (onto: string | undefined) => string | undefined): void => {
    if (isPresent && without.has(key)) without.set(key, changed(without.get(key)));
    else if (!isPresent && !without.has(key)) without.set(key, values.get(key));
  };

  /** The line is not there any more: what the patch changed is changed, as far as there is something to change. */
  const takeOther = (stable: LineValues, { set, remove }: Delta, isPresent: boolean): void => {
    let isWhole = true;
    const change = (key: string, is: string | undefined): void => {
      const [was, onto] = [stable.get(key), values.get(key)];
      if (was !== undefined && is !== undefined && onto === undefined) isWhole = false;
      split(key, isPresent, (other) => changedText(was, is, other));
      const made = changedText(was, is, onto);
      if (made !== onto) values.set(key, made);
    };
    for (const [key, canonical] of set) change(key, canonical);
    for (const key of remove) change(key, undefined);
    if (!isWhole && isPresent) dropped += 1;
  };

  const note = (its: LineHistory, had: string): void => {
    const publish = takenBack.get(its.publish);
    if (publish === undefined) return;
    const known = contents.get(publish);
    if (known === undefined) contents.set(publish, [had]);
    else known.push(had);
  };
  // An older version that came back had a content of the line that it came from.
  for (const its of lines) if (its.restored !== null) note(its, its.contentHash);

  const hasLeft = (sequence: number): boolean => line.left !== null && line.left.sequence < sequence;

  const take = (sequence: number, event: Patched): void => {
    const { stable, candidate } = linesAt(lines, sequence);
    const moved = [
      { line: stable, position: event.stable, delta: event.delta },
      { line: candidate, position: event.candidate, delta: event.candidateDelta ?? event.delta },
    ] as const;
    const isPresent = moved.some((its) => isIn(presence, its.line, its.position));
    const own = moved.find((its) => its.line?.publish === line.publish);
    if (own !== undefined && own.position !== null) takeOwn(own.position, own.delta, isPresent);
    else if (hasLeft(sequence)) {
      const its = stable === null ? undefined : later.get(stable.publish);
      if (mode === "exact") dropped += Number(isPresent);
      else if (its !== undefined && event.stable.number > its.number) takeOther(its, event.delta, isPresent);
    }
    for (const { line: its, position, delta } of moved) {
      if (its !== null && position !== null) later.get(its.publish)?.take(position.number, delta);
    }
    if (stable !== null) note(stable, event.stable.contentHash);
  };

  return {
    after,
    values,
    isComplete: () => mode === "exact" && contentHash !== null,
    contentHash: () => contentHash,
    take({ sequence, event }) {
      assert(event.type === "patched", "patches alone change what lies over files");
      take(sequence, event);
    },
    dropped: () => dropped,
    without,
    drainContents() {
      const drained = new Map(contents);
      contents.clear();
      return drained;
    },
  };
}

/** The newest files from which the version can be had. */
function anchorOf({ dataset, line, number, mode }: ReplayTask): Anchor {
  const usable = line.anchors.filter((anchor) => mode === "reapply" || anchor.number <= number);
  const found = usable.findLast((anchor) => !anchor.gone || (mode === "exact" && anchor.number === number));
  if (found !== undefined) return found;
  const from = line.anchors.find(({ gone }) => !gone);
  const since =
    from === undefined
      ? "none of its versions can be had"
      : `its versions from v${from.number} on (${new Date(from.at).toISOString()}) can be had`;
  throw new SluiceError(
    "PRUNED",
    `v${number} of ${dataset} is too old to be had exactly: ${since}; --reapply brings v${line.publish} back with the patches since`,
    { details: { number, publish: line.publish, from: from?.number ?? null, fromAt: from?.at ?? null } },
  );
}

function isIn(presence: Presence, line: LineHistory | null, position: LinePosition | null): boolean {
  const through = line === null ? undefined : presence.through(line);
  return through !== undefined && position !== null && position.number <= through;
}

function patchesFrom({ firstPatch, gone }: Anchor): number {
  return firstPatch === null || gone ? Number.MAX_SAFE_INTEGER : firstPatch - 1;
}

function changedText(was: string | undefined, is: string | undefined, onto: string | undefined): string | undefined {
  if (was === onto) return is;
  const made = reapplied(parsed(was), parsed(is), parsed(onto));
  return made === undefined ? undefined : canonicalJson(made);
}

function parsed(canonical: string | undefined): JsonValue | undefined {
  return canonical === undefined ? undefined : (JSON.parse(canonical) as JsonValue);
}
