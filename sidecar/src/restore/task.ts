import type { Actor, Command, Content, NamespaceState } from "@sluice/core";
import { assert, own, SluiceError } from "@sluice/core";
import type { RestoreBody } from "@sluice/core/api";
import type { ReadableVersion } from "@sluice/replica";
import type { Remember } from "../commands.ts";
import type { RestoreDifference } from "./difference.ts";
import type { LineHistory } from "./line-fold.ts";
import type { Pending } from "./pending.ts";
import type { Presence } from "./presence.ts";
import type { Replay } from "./replay.ts";
import { marksOf } from "./taken-back.ts";
import type { Target } from "./target.ts";
import type { WorkedOut } from "./worked-out.ts";

/** An older version that somebody wants back. */
export interface RestoreRequest extends RestoreBody {
  readonly dataset: string;
  readonly by: Actor;
  readonly remember?: Remember | undefined;
}

/** What a restore is decided on. */
export type Restore = Extract<Command, { type: "restore" }>;

/** What is in hand while a version is worked out. */
export interface Task {
  readonly request: RestoreRequest;
  readonly target: Target;
  readonly mode: Restore["mode"];
  readonly lines: readonly LineHistory[];
  /** The stable version that it is compared with. */
  readonly stable: ReadableVersion;
  readonly presence: Presence;
  readonly replay: Replay;
  readonly difference: RestoreDifference;
  readonly worked: WorkedOut;
  readonly pending: Pending;
}

/** The restore as it is now, with every patch that came meanwhile, over the given files. Throws CONFLICT. */
export function commandNow(
  { request, target, mode, lines, presence, replay, worked, pending }: Task,
  state: NamespaceState,
  files: Pick<Content, "base" | "overlay">,
): Restore {
  const { dataset: name, reason } = request;
  const dataset = own(state.datasets, name);
  const stable = dataset?.stable ?? null;
  if (dataset === undefined || stable === null || pending.moved) throw overtaken(name);
  for (const logged of pending.take(Number.POSITIVE_INFINITY)) worked.take(logged);
  const { content, difference, droppedKeys } = worked.finish(files);
  const { line, number } = target;
  const changes = presence.lines + Number(dataset.release !== null) + replay.dropped();
  return {
    type: "restore",
    dataset: name,
    restored: number,
    line: line.publish,
    mode,
    stable: stable.number,
    content,
    origin: line.origin,
    difference,
    // What it takes back has a list of its own, and a version that came back is never put into quarantine.
    changes: null,
    // Patches that come back in files cannot be told from what is dropped; where nothing is, they are all there is.
    dropped: { changes, keys: changes === 0 ? 0 : droppedKeys },
    takenBack: marksOf(lines, line),
    cause: { reason, evidence: null },
  };
}

/** What was worked out is of a line that is gone. */
export function overtaken(dataset: string): SluiceError {
  return new SluiceError(
    "CONFLICT",
    `another version of ${dataset} became stable meanwhile; look again: sluice status ${dataset}`,
  );
}

/** What is replayed is what was there then, or nothing comes back. */
export function prove(
  dataset: string,
  number: number,
  mode: Restore["mode"],
  replay: Replay,
  { contentHash: found }: Pick<RestoreDifference, "contentHash">,
): void {
  if (mode === "reapply") return;
  const expected = replay.contentHash();
  assert(expected !== null, `v${number} of ${dataset} was met in the log`);
  if (found === expected) return;
  throw new SluiceError(
    "CORRUPT",
    `expected v${number} of ${dataset} to have content ${expected}, what is kept of it gives ${found}`,
    {
      details: { expected, found },
    },
  );
}
