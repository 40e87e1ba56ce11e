import type { LoggedEvent } from "@sluice/core";
import type { PatchMinute } from "@sluice/core/api";
import { minuteOf } from "./line-book.ts";
import { type Pruned, type Pruning, type RememberedAnswer, rememberedMs, type StoredCheckpoint } from "./port.ts";

/** An event on a disk in memory. What was let go of has no JSON any more and keeps its place. */
export interface StoredEvent {
  readonly control: boolean;
  readonly dataset: string | null;
  readonly at: number;
  readonly json: string;
}

/** The part of a disk in memory that does not stay for ever. */
export interface MemoryShelf {
  /** `events[i]` has sequence number `i + 1`. */
  readonly events: StoredEvent[];
  /** Number of the last patch that has gone. */
  prunedThrough: number;
  /** By minute and dataset, in the order in which they began. */
  readonly minutes: Map<string, PatchMinute>;
  /** Content hashes that patches gave to candidates, by dataset and publish. */
  readonly patchContents: Map<string, Map<number, Set<string>>>;
  readonly patchAnswers: Map<string, RememberedAnswer>;
  /** The newest first, at most two. */
  checkpoints: readonly StoredCheckpoint[];
}

/** How much one step of pruning takes on. */
const stepMax = 256;

/** Enters a patch in the line of its minute. */
export function summarise(shelf: MemoryShelf, { sequence, at, event }: LoggedEvent): void {
  if (event.type !== "patched") return;
  const { dataset, stable, candidate, delta } = event;
  const key = `${minuteOf(at)} ${dataset}`;
  const known = shelf.minutes.get(key);
  shelf.minutes.set(key, {
    dataset,
    patches: (known?.patches ?? 0) + 1,
    keysSet: (known?.keysSet ?? 0) + delta.set.length,
    keysRemoved: (known?.keysRemoved ?? 0) + delta.remove.length,
    firstSequence: known?.firstSequence ?? sequence,
    lastSequence: sequence,
    firstNumber: known?.firstNumber ?? stable.number,
    lastNumber: (candidate ?? stable).number,
    firstAt: known?.firstAt ?? at,
    lastAt: at,
  });
}

/** Bytes of JSON of the patches that are still here. */
export function patchesBytesOf(shelf: Pick<MemoryShelf, "events">): number {
  return shelf.events.reduce((sum, { control, json }) => sum + (control ? 0 : Buffer.byteLength(json)), 0);
}

/** One step of pruning. */
export function pruneShelf(shelf: MemoryShelf, pruning: Pruning, nowMs: number): Pruned {
  const found = [prunePatches(shelf, pruning), pruneContents(shelf, pruning), pruneAnswers(shelf, pruning, nowMs)];
  const [patches = 0, contents = 0, answers = 0] = found;
  return { patches, contents, answers, bytes: 0, more: found.includes(stepMax) };
}

function prunePatches(shelf: MemoryShelf, { patchesBefore, patchesAfter, patchesBytesMax }: Pruning): number {
  const floor = shelf.checkpoints[1]?.sequence ?? 0;
  let left = patchesBytesOf(shelf);
  let count = 0;
  for (let sequence = shelf.prunedThrough + 1; sequence <= floor && count < stepMax; sequence++) {
    const event = shelf.events[sequence - 1];
    if (event === undefined || event.control) continue;
    left -= Buffer.byteLength(event.json);
    if ((event.at >= patchesBefore || sequence > patchesAfter) && left < patchesBytesMax) break;
    shelf.events[sequence - 1] = { ...event, json: "" };
    shelf.prunedThrough = sequence;
    count += 1;
  }
  return count;
}

function pruneContents(shelf: MemoryShelf, { lines }: Pruning): number {
  const newest = shelf.events.findLastIndex(({ control }) => control) + 1;
  if (newest !== lines.controlSequence) return 0;
  let count = 0;
  for (const [dataset, its] of shelf.patchContents) {
    const known = Object.hasOwn(lines.publishes, dataset) ? (lines.publishes[dataset] ?? []) : [];
    for (const [publish, hashes] of its) {
      if (known.includes(publish)) continue;
      for (const hash of [...hashes].slice(0, stepMax - count)) {
        hashes.delete(hash);
        count += 1;
      }
      if (hashes.size === 0) its.delete(publish);
    }
  }
  return count;
}

function pruneAnswers({ patchAnswers }: MemoryShelf, { patchAnswersMax }: Pruning, nowMs: number): number {
  let count = 0;
  for (const [key, { at }] of patchAnswers) {
    if (count === stepMax || (patchAnswers.size <= patchAnswersMax && at > nowMs - rememberedMs)) break;
    patchAnswers.delete(key);
    count += 1;
  }
  return count;
}
