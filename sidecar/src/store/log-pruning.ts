import type { DatabaseSync } from "node:sqlite";
import { createPatchPlaces } from "./patch-places.ts";
import type { Pruned, Pruning } from "./port.ts";
import { rememberedMs } from "./port.ts";
import { text } from "./sql-values.ts";

/** How much one step takes on: an append that comes meanwhile waits for no more than that. */
const patchesMax = 256;
const patchesBytesMax = 512 * 1024;
const rowsMax = 512;
const pagesMax = 64;

/** Lets a log's file let go of what is not needed any more, step by step. */
export interface LogPruning {
  step(pruning: Pruning, nowMs: number): Pruned;
}

/**
 * Each step is a transaction of its own and is not synced: what it does is durable with the next append, and undone by a loss
 * of power before that, which hurts nothing.
 */
export function createLogPruning(database: DatabaseSync): LogPruning {
  const patches = createPatchPruning(database);
  const contents = createContentPruning(database);
  const answers = createAnswerPruning(database);
  const room = createRoom(database);

  const remove = (pruning: Pruning, nowMs: number): Omit<Pruned, "bytes"> => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const found = [patches(pruning), contents(pruning), answers(pruning, nowMs)] as const;
      database.exec("COMMIT");
      const [its, theirs, ours] = found;
      return {
        patches: its.count,
        contents: theirs.count,
        answers: ours.count,
        more: found.some(({ more }) => more),
      };
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };

  return {
    step(pruning, nowMs) {
      database.exec("PRAGMA synchronous = NORMAL");
      try {
        const removed = remove(pruning, nowMs);
        const { bytes, more } = room(pruning.roomBytesMax);
        return { ...removed, bytes, more: removed.more || more };
      } finally {
        database.exec("PRAGMA synchronous = FULL");
      }
    },
  };
}

interface Part {
  readonly count: number;
  readonly more: boolean;
}

function createPatchPruning(database: DatabaseSync): (pruning: Pruning) => Part {
  // Of the two that are kept: with the newest damaged, everything after the older one is still here.
  const floor = database.prepare("SELECT sequence FROM checkpoints ORDER BY sequence DESC LIMIT 1 OFFSET 1");
  const last = database.prepare("SELECT upto FROM patches ORDER BY sequence DESC LIMIT 1");
  const oldest = database.prepare(
    "SELECT sequence, at, upto FROM patches WHERE sequence <= ? ORDER BY sequence LIMIT ?",
  );
  const remove = database.prepare("DELETE FROM patches WHERE sequence <= ?");
  const places = createPatchPlaces(database);
  const setThrough = database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('pruned', ?)");

  return ({ patchesBefore, patchesAfter, patchesBytesMax: heldBytesMax }) => {
    const covered = floor.get()?.["sequence"];
    if (covered === undefined) return { count: 0, more: false };
    const total = Number(last.get()?.["upto"] ?? 0);
    let count = 0;
    let through = 0;
    let first: number | undefined;
    let more = false;
    for (const row of oldest.iterate(covered, patchesMax + 1)) {
      const upto = Number(row["upto"]);
      const isKept = Number(row["at"]) >= patchesBefore || Number(row["sequence"]) > patchesAfter;
      if (isKept && total - upto < heldBytesMax) break;
      first ??= upto;
      more = count === patchesMax || upto - first > patchesBytesMax;
      if (more) break;
      through = Number(row["sequence"]);
      count += 1;
    }
    if (count > 0) {
      remove.run(through);
      places.forget(through);
      setThrough.run(String(through));
    }
    return { count, more };
  };
}

function createContentPruning(database: DatabaseSync): (pruning: Pruning) => Part {
  const newest = database.prepare("SELECT coalesce(max(sequence), 0) AS sequence FROM events");
  const lines = database.prepare(`
    WITH RECURSIVE line (dataset, publish) AS (
      SELECT * FROM (SELECT dataset, publish FROM patch_contents ORDER BY dataset, publish LIMIT 1)
      UNION ALL
      SELECT (SELECT dataset FROM patch_contents its WHERE (its.dataset, its.publish) > (line.dataset, line.publish)
              ORDER BY its.dataset, its.publish LIMIT 1),
             (SELECT publish FROM patch_contents its WHERE (its.dataset, its.publish) > (line.dataset, line.publish)
              ORDER BY its.dataset, its.publish LIMIT 1)
      FROM line WHERE line.dataset IS NOT NULL
    )
    SELECT dataset, publish FROM line WHERE dataset IS NOT NULL`);
  const remove = database.prepare(`DELETE FROM patch_contents WHERE dataset = ?1 AND publish = ?2 AND content_hash IN
    (SELECT content_hash FROM patch_contents WHERE dataset = ?1 AND publish = ?2 LIMIT ?3)`);

  return ({ lines: { controlSequence, publishes } }) => {
    // A control event that the caller has not seen may have put a line into quarantine.
    if (newest.get()?.["sequence"] !== controlSequence) return { count: 0, more: false };
    for (const row of lines.all()) {
      const dataset = text(row["dataset"]);
      const publish = Number(row["publish"]);
      const known = Object.hasOwn(publishes, dataset) ? publishes[dataset] : undefined;
      if (known?.includes(publish)) continue;
      return { count: Number(remove.run(dataset, publish, rowsMax).changes), more: true };
    }
    return { count: 0, more: false };
  };
}

function createAnswerPruning(database: DatabaseSync): (pruning: Pruning, nowMs: number) => Part {
  const last = database.prepare("SELECT coalesce(max(id), 0) AS id FROM patch_answers");
  const oldest = database.prepare("SELECT id, at FROM patch_answers ORDER BY id LIMIT ?");
  const remove = database.prepare("DELETE FROM patch_answers WHERE id <= ?");

  return ({ patchAnswersMax }, nowMs) => {
    // An answer takes the next number, so that the newest ones are those with the highest.
    const through = Number(last.get()?.["id"]) - patchAnswersMax;
    let count = 0;
    let id = 0;
    let more = false;
    for (const row of oldest.iterate(rowsMax + 1)) {
      if (Number(row["at"]) > nowMs - rememberedMs && Number(row["id"]) > through) break;
      more = count === rowsMax;
      if (more) break;
      id = Number(row["id"]);
      count += 1;
    }
    if (count > 0) remove.run(id);
    return { count, more };
  };
}

/** Gives pages at the end of the file back to the disk, by moving what stands there into what is free. */
function createRoom(database: DatabaseSync): (roomBytesMax: number) => { bytes: number; more: boolean } {
  const pageBytes = Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
  const freePages = database.prepare("PRAGMA freelist_count");
  const free = (): number => Number(freePages.get()?.["freelist_count"]);

  return (roomBytesMax) => {
    const before = free();
    const excess = before - Math.floor(roomBytesMax / pageBytes);
    if (excess <= 0) return { bytes: 0, more: false };
    database.exec(`PRAGMA incremental_vacuum(${Math.min(excess, pagesMax)})`);
    const given = before - free();
    // The file gets shorter when the write-ahead log has been carried over.
    if (given >= excess) database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    return { bytes: given * pageBytes, more: given > 0 && given < excess };
  };
}
